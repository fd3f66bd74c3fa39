"""The hosting's machinery: commits are built, builds are started, an alias says which serves."""
