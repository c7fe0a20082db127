"""What a page of the console consists of: texts, tables with twins, plots, forms; and its visit."""

from pipelines.console.content.addresses import address
from pipelines.console.content.blocks import (
    Block,
    Code,
    Content,
    Figure,
    Form,
    FormField,
    Heading,
    Live,
    Loading,
    Notice,
    Text,
)
from pipelines.console.content.table import Column, Order, Row, Table
from pipelines.console.content.visit import Visit

__all__ = [
    "Block",
    "Code",
    "Column",
    "Content",
    "Figure",
    "Form",
    "FormField",
    "Heading",
    "Live",
    "Loading",
    "Notice",
    "Order",
    "Row",
    "Table",
    "Text",
    "Visit",
    "address",
]
