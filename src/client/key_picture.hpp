// key_picture.hpp: the key of an authenticator app on its way to its owner: drawn in the terminal, written to
// a file, or as a line for a script.
//
// What is drawn is made here, cell by cell, whatever the server's text holds.  One thread.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "client/display.hpp"
#include "common/secret.hpp"

namespace securelogin::client {

class KeyPicture {
  public:
    /// `file` is for a PNG, and must not be there.  `columns` tells how many the terminal has; nought: not
    /// known.  Throws Failure (not_trusted) where `file` exists: before anything is asked or sent.
    KeyPicture(std::optional<std::filesystem::path> file, std::function<int()> columns);
    /// A file that was written is removed, unless keep() was called: its key opens nothing.
    ~KeyPicture();
    KeyPicture(const KeyPicture&) = delete;
    KeyPicture& operator=(const KeyPicture&) = delete;

    /// To a person: the picture where it fits, and `uri` to be typed.  Without one: `otpauth URI`, a result.
    /// The file, mode 0600, never over another one nor through a symbolic link.  Throws Failure.
    void show(const Secret& uri, Display& display);

    /// The key has been enrolled.
    void keep() noexcept { written_ = false; }

  private:
    void write_file(const Secret& png);

    std::optional<std::filesystem::path> file_;
    std::function<int()> columns_;
    bool written_ = false;  // and to be removed
};

}  // namespace securelogin::client
