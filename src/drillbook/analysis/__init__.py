"""Pure computation: expressions and scopes; no input and no output."""
