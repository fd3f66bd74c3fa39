-- Bookings should go through the service alone. The app still books as whoever is signed in.
REVOKE EXECUTE ON FUNCTION book_slot(bigint, text) FROM authenticated;
