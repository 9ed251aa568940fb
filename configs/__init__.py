"""Every knob: TOML files, and the composition of the settings that live beside the code they set."""
