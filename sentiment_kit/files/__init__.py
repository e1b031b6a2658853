"""What stands in a file? Rows, tables, encodings, and writing them back: formats, and nothing of tweets."""

from .encodings import FORMATS, text_dtype
from .rows import inspect, iter_parts
from .tables import read_arrow, read_table
from .writing import check_writable, write_table
