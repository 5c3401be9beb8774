// durable_file.hpp: a file that appears under its name whole and on disk, or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "server/descriptor.hpp"

namespace securelogin {

/// Opens a directory for what the *at() calls do.  Does not follow a symbolic link in the last place.
/// errno says why where the answer is not open.
[[nodiscard]] Descriptor open_directory(const std::filesystem::path& path) noexcept;

/// A new file, written and synced under a name of its own beside the one it is to have.  Gone again, name and
/// all, unless it was published.  A crash leaves at most the staged file, which nothing ever reads.
class StagedFile {
  public:
    /// Throws StartupError.  REQUIRES: `directory` outlives this and is the one that `file` lies in.
    StagedFile(const Descriptor& directory, const std::filesystem::path& file, std::string_view content,
               unsigned mode);
    ~StagedFile();
    StagedFile(const StagedFile&) = delete;
    StagedFile& operator=(const StagedFile&) = delete;

    /// Takes the name, whoever had it before.  Throws StartupError.
    void replace();
    /// Takes the name if nobody has it; false when somebody has.  Of several who try, one succeeds.
    /// Throws StartupError.
    [[nodiscard]] bool publish_if_free();

  private:
    [[noreturn]] void fail(int error) const;
    void fill(std::string_view content, unsigned mode);
    void remove() noexcept;

    const Descriptor& directory_;
    const std::filesystem::path file_;
    std::string staged_name_;
    bool staged_ = false;
};

/// Makes a directory, mode 0700, where there is none, and its name as durable as what is going to be in it.
/// True when it was made by this call.  Throws StartupError.
bool make_directory_durably(const std::filesystem::path& path);

/// Makes the names in a directory as durable as the files.  Throws StartupError.
void sync_directory(const Descriptor& directory, const std::filesystem::path& path);

}  // namespace securelogin
