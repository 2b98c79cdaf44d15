"""Frames of a text file that lists them one after the other, each with its number of atoms."""

from collections.abc import Callable, Sequence

from explorer.errors import InputError
from explorer.io.structure import Frame, Structure

Extent = Callable[[Sequence[str], int, str], tuple[range, int]]
ReadFrame = Callable[[Sequence[str], range, str, str], Structure]


def read_frames(text: str, name: str, extent: Extent, read: ReadFrame) -> list[Frame]:
    """Read all frames; one that cannot be read is an error in the list, and the frames after it are read.

    Args:
        text: Content of the file.
        name: Name of the file, for titles and error messages.
        extent: Called with the lines, the index of the first line of a frame and the name; returns the indices of the
            lines of its atoms and that of the line after the frame. If it raises InputError, reading ends, because the
            next frame cannot be found.
        read: Called with the lines, the indices of the lines of the atoms, the title of the frame and the name.
    """
    lines = text.removesuffix("\n").split("\n")
    frames: list[Frame] = []
    start = 0
    while start < len(lines):
        if not lines[start].strip():
            start += 1
            continue
        try:
            atoms, start = extent(lines, start, name)
        except InputError as error:
            frames.append(error)
            break
        title = f"{name}, frame {len(frames) + 1}" if frames else name
        try:
            frames.append(read(lines, atoms, title, name))
        except InputError as error:
            frames.append(error)
    return frames
