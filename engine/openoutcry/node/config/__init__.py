"""The configuration of a node: TOML into frozen structs. What is wrong with it is one line: file, line, suggestion."""
