"""How much slower an answer must be to be felt; one number for all who judge slowness."""

# Up to a tenth of a second more an answer seems as quick as before (Miller 1968, Nielsen 1993).
FELT_MILLISECONDS = 100.0
