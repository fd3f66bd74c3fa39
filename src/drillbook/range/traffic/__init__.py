"""Live traffic on the range: visitors and customers who use the app, and note what they met."""
