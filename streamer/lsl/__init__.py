"""The Lab Streaming Layer (extra `lsl`): events and signal out, markers in. The only package that imports pylsl."""
