"""Reports: figures that are the log's alone, what people add to them, and the documents that a unit owes."""
