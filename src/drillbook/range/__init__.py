"""The practice stack: real servers, a booking business and its data on this machine."""
