"""The command `gigaton`: each command decodes, hands over to one act, and prints."""
