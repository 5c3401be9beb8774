// new_file.hpp: a secret's file that is there whole, or not at all, whatever ends the program.
//
// The name is taken at once (mode 0600, never over an existing file, never through a symlink) and given back
// unless keep() was reached.  A child process does that, for two reasons: it outlives a program that was
// killed, and it keeps the rights of the one who asked for the file, which the program gives up when it
// becomes the data directory's owner (server/data_directory.hpp).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

#include "server/descriptor.hpp"

namespace securelogin::admin {

class NewFile {
  public:
    /// Throws Failure: cannot_create where something of that name is there, or it cannot be made there.
    /// REQUIRES: the program has no other threads yet.
    explicit NewFile(const std::filesystem::path& path);
    /// Gives the name back unless kept.
    ~NewFile();
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    /// The whole content, on disk when this returns.  Throws Failure.
    void write(std::string_view content);
    /// A piece of it.  REQUIRES: sync() before keep().  Throws Failure.
    void append(std::string_view piece);
    /// What has been written, and the name, are on disk when this returns.  Throws Failure.
    void sync();
    void keep() noexcept;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    /// Open for reading and writing; stays this object's.
    [[nodiscard]] int descriptor() const noexcept { return file_.get(); }

  private:
    void start_remover();
    void end_remover() noexcept;

    std::filesystem::path path_;
    Descriptor file_;
    Descriptor directory_;  // that the file is in; not open where nobody may read it
    Descriptor verdict_;    // an octet through it: keep; its end without one: remove
    pid_t remover_ = -1;
};

}  // namespace securelogin::admin
