"""A commune as it is on a day: what the guides show and what the pages' speed is measured on."""
