"""The Lab Streaming Layer (extra `lsl`): events and signal out, markers in. The only place that knows pylsl."""
