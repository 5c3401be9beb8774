// descriptor_vfs.hpp: a SQLite database in a file that is open already, and in that file only.
//
// For a copy of the database that whoever asked for it may write and this process, which has given up its
// rights, could not open by name; and SQLite puts no other file beside it.  No locks: the file is nobody
// else's yet.  REQUIRES: journal_mode OFF or MEMORY.
//
// SQLite knows it by name() while it lives.  One thread at a time.
#pragma once

#include <sqlite3.h>

#include <string>

namespace securelogin::store {

class DescriptorVfs {
  public:
    /// `descriptor`, open for reading and writing, stays the caller's.  Throws SQLite::Exception.
    explicit DescriptorVfs(int descriptor);
    /// REQUIRES: what was opened with it is closed.
    ~DescriptorVfs();
    DescriptorVfs(const DescriptorVfs&) = delete;
    DescriptorVfs& operator=(const DescriptorVfs&) = delete;

    [[nodiscard]] const char* name() const noexcept { return name_.c_str(); }

  private:
    int descriptor_;
    std::string name_;
    sqlite3_vfs vfs_{};
};

}  // namespace securelogin::store
