GRANT EXECUTE ON FUNCTION book_slot(bigint, text) TO authenticated;
