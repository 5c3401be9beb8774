"""What a disk may hold after a power loss: a model that keeps what was synced, and of the rest what it likes.

Reads what write_recorder.hpp recorded.  A file's octets are on disk when an fsync or fdatasync of that file has ended that
began after they were written.  What a sync that failed was to write is gone: no later one writes it (Linux marks the pages
clean and tells once).  A name is on disk when its directory has been synced since (POSIX promises no more, whatever
a file system does).  Of the rest, each write, truncation and name may or may not be there; a write may be torn between
sectors.
"""
import collections
import os
import pathlib
import struct

MADE, WRITE, TRUNCATE, SYNC_BEGIN, SYNC_END, RENAME, LINK, UNLINK, DIRECTORY, SYNC_FAILS = range(1, 11)
MARK = 100  # the test's own: what has been acknowledged by then
HEADER = struct.Struct("=IIIIQq")

Record = collections.namedtuple("Record", "deed process inode offset first second")


class Recorder:
    """The record that programs append to, as long as they have `environment`."""

    def __init__(self, directory, library):
        self.file = pathlib.Path(directory) / "record"
        self.file.touch()
        self.environment = {"LD_PRELOAD": str(library), "SECURELOGIN_DISK_RECORD": str(self.file)}

    def mark(self, text):
        """In the order of what has been recorded so far."""
        octets = text.encode()
        descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, HEADER.pack(MARK, len(octets), 0, 0, 0, 0) + octets)
        finally:
            os.close(descriptor)

    def read(self):
        octets = self.file.read_bytes()
        records = []
        position = 0
        while position < len(octets):
            deed, first, second, process, inode, offset = HEADER.unpack_from(octets, position)
            position += HEADER.size
            records.append(Record(deed, process, inode, offset, octets[position:position + first],
                                  octets[position + first:position + first + second]))
            position += first + second
        return records


def write_to(content, offset, octets):
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset:offset + len(octets)] = octets


def cut_to(content, size):
    del content[size:]
    content.extend(bytes(size - len(content)))


class File:
    """What is on disk, and what has been done since."""

    def __init__(self):
        self.synced = bytearray()
        self.pending = []  # (WRITE, offset, octets) or (TRUNCATE, size, None)
        self.syncs = {}    # by process and thread: how many of `pending` a sync covers that has begun

    def apply(self, deed, offset, octets, content):
        if deed == WRITE:
            write_to(content, offset, octets)
        else:
            cut_to(content, offset)

    def keep(self, covered):
        for entry in self.pending[:covered]:
            self.apply(*entry, self.synced)

    def after_power_loss(self, loss):
        content = bytearray(self.synced)
        for deed, offset, octets in self.pending:
            if deed == WRITE:
                for start, piece in loss.sectors_kept(offset, octets):
                    write_to(content, start, piece)
            elif loss.keeps():
                cut_to(content, offset)
        return content


class Directory:
    def __init__(self):
        self.synced = {}   # name: File or Directory
        self.now = {}
        self.pending = []  # each a list of (name, File or Directory or None) that happens as one
        self.syncs = {}

    def change(self, *entries):
        for name, node in entries:
            self.set(self.now, name, node)
        self.pending.append(entries)

    @staticmethod
    def set(names, name, node):
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node

    def keep(self, covered):
        for entries in self.pending[:covered]:
            for name, node in entries:
                self.set(self.synced, name, node)

    def after_power_loss(self, loss):
        names = dict(self.synced)
        for entries in loss.changes_kept(self.pending):
            for name, node in entries:
                self.set(names, name, node)
        return names


class Loss:
    """What becomes of what was not synced.  `share` of it is kept: 0 none, 1 all, as after a kill."""

    def __init__(self, share, chance, sector=512):
        self.share, self.chance, self.sector = share, chance, sector

    def keeps(self):
        return self.chance.random() < self.share

    def sectors_kept(self, offset, octets):
        if self.share in (0, 1):
            return [(offset, octets)] if self.share else []
        kept = []
        start = 0
        whole = self.chance.random() < 0.5  # else it may be torn
        fate = self.keeps()
        while start < len(octets):
            end = min(len(octets), start + self.sector - (offset + start) % self.sector)
            if fate if whole else self.keeps():
                kept.append((offset + start, octets[start:end]))
            start = end
        return kept

    def changes_kept(self, pending):
        """In their order, as with a journal, or each by itself."""
        if self.chance.random() < 0.5:
            return pending[:round(self.share * len(pending))] if self.share in (0, 1) else \
                pending[:self.chance.randrange(len(pending) + 1)]
        return [change for change in pending if self.keeps()]


class Disk:
    """Below `root`, a directory that was empty and is on disk.  `blind`: what is synced is not minded."""

    def __init__(self, root, inode, blind=False):
        self.path = str(root)
        self.root = Directory()
        self.inodes = {inode: self.root}
        self.blind = blind

    def take(self, record):
        deed = record.deed
        if deed in (WRITE, TRUNCATE):
            node = self.inodes.get(record.inode)
            if isinstance(node, File):
                node.pending.append((deed, record.offset, record.first))
        elif deed in (SYNC_BEGIN, SYNC_END, SYNC_FAILS):
            node = self.inodes.get(record.inode)
            if node is not None and not self.blind:
                self.sync(node, deed, (record.process, record.offset))
        elif deed in (MADE, DIRECTORY):
            self.make(record)
        elif deed in (RENAME, LINK, UNLINK):
            self.change_names(record)

    @staticmethod
    def sync(node, deed, who):
        if deed == SYNC_BEGIN:
            node.syncs[who] = len(node.pending)
            return
        covered = node.syncs.pop(who, 0)
        if deed == SYNC_END:
            node.keep(covered)
        del node.pending[:covered]
        node.syncs = {other: max(0, count - covered) for other, count in node.syncs.items()}

    def place_of(self, path):
        """(directory, name); nothing when it does not lie below the root."""
        text = os.path.normpath(path.decode())
        if not text.startswith(self.path + "/"):
            return None, None
        *above, name = text[len(self.path) + 1:].split("/")
        directory = self.root
        for part in above:
            directory = directory.now.get(part)
            if not isinstance(directory, Directory):
                return None, None
        return directory, name

    def make(self, record):
        directory, name = self.place_of(record.first)
        if directory is None or name in directory.now:
            return
        node = File() if record.deed == MADE else Directory()
        self.inodes[record.inode] = node  # whoever had that number has been removed
        directory.change((name, node))

    def change_names(self, record):
        directory, name = self.place_of(record.first)
        if directory is None or name not in directory.now:
            return
        node = directory.now[name]
        if record.deed == UNLINK:
            return directory.change((name, None))
        other, new_name = self.place_of(record.second)
        if other is not directory:
            raise AssertionError("between directories: nothing here does that")
        if record.deed == LINK:
            directory.change((new_name, node))
        else:
            directory.change((new_name, node), (name, None))

    def lay_out(self, target, loss):
        """What a machine finds that comes up again, in the directory `target`."""
        self._lay_out(self.root, pathlib.Path(target), loss)

    def _lay_out(self, directory, target, loss):
        for name, node in directory.after_power_loss(loss).items():
            place = target / name
            if isinstance(node, Directory):
                place.mkdir(mode=0o700)
                self._lay_out(node, place, loss)
            elif not name.endswith("-shm"):  # SQLite's index of the WAL: built anew from it
                place.touch(mode=0o600)
                place.write_bytes(node.after_power_loss(loss))
