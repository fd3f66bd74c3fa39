-- Wrong: the column on slots was forgotten.
DROP TABLE waiting;
