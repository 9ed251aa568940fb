"""The spotter beside other ones on generated faces."""
