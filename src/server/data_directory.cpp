#include "server/data_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "common/text.hpp"
#include "server/durable_file.hpp"
#include "server/ownership.hpp"

namespace securelogin {
namespace {

// ---- choosing ----

std::optional<std::string> environment(const char* name)
{
    const char* const value = std::getenv(name);
    return value != nullptr && *value != '\0' ? std::optional<std::string>(value) : std::nullopt;
}

std::filesystem::path home()
{
    if (const auto home = environment("HOME"); home && home->starts_with('/')) return *home;
    const auto* const entry = ::getpwuid(::geteuid());
    if (entry != nullptr && entry->pw_dir != nullptr && *entry->pw_dir == '/') return entry->pw_dir;
    throw StartupError("choosing a data directory: there is no home directory: give one with --data");
}

std::filesystem::path chosen(const std::optional<std::filesystem::path>& option, const Settings& settings)
{
    if (option) return *option;
    if (settings.data) return *settings.data;
    // systemd.exec(5): a list, parted by colons.
    if (const auto state = environment("STATE_DIRECTORY")) return state->substr(0, state->find(':'));
    if (::geteuid() == 0) return "/var/lib/securelogin";
    // XDG Base Directory Specification: a path that is not absolute is to be ignored.
    if (const auto state = environment("XDG_STATE_HOME"); state && state->starts_with('/')) {
        return std::filesystem::path(*state) / "securelogin";
    }
    return home() / ".local" / "state" / "securelogin";
}

/// Absolute, and without a slash at its end, behind which a symbolic link would be followed.
std::filesystem::path plain(const std::filesystem::path& path)
{
    const auto normal = std::filesystem::absolute(path).lexically_normal();
    return normal.has_filename() || normal == normal.root_path() ? normal : normal.parent_path();
}

// ---- opening ----

void make_parents(const std::filesystem::path& path)
{
    std::error_code error;
    if (path == path.root_path() || std::filesystem::exists(path, error)) return;
    make_parents(path.parent_path());
    // The XDG Base Directory Specification asks for 0700; others find theirs beside it as long as they made
    // it.
    make_directory_durably(path);
}

/// Whoever else starts at the same moment may have made it: it is then as good as ours.
void make(const std::filesystem::path& path)
{
    make_parents(path.parent_path());
    if (!make_directory_durably(path)) return;
    std::cerr << fmt::format("made the data directory {}\n", shell_word(path));
}

[[noreturn]] void fail_to_open(const std::filesystem::path& path, int error)
{
    const auto word = shell_word(path);
    struct stat status{};
    const bool seen = ::lstat(path.c_str(), &status) == 0;
    if (seen && S_ISLNK(status.st_mode)) {
        throw StartupError(
            fmt::format("{}: is a symbolic link: name the directory itself with --data", word));
    }
    if (seen) require_private_directory(status, path);
    if (error == ENOENT) {
        throw StartupError(
            fmt::format("{}: there is no such data directory: name it with --data, or start "
                        "securelogind or enrol a user, which makes it",
                        word));
    }
    throw StartupError(fmt::format("{}: opening the data directory: {}", word, explain(error)));
}

Descriptor open_private(const std::filesystem::path& path, struct stat& status)
{
    auto directory = open_directory(path);
    if (!directory.is_open() || ::fstat(directory.get(), &status) != 0) fail_to_open(path, errno);
    require_private_directory(status, path);
    return directory;
}

/// As the one who owns it, by its path: what is opened later is opened so.
void require_reachable(const std::filesystem::path& path)
{
    if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) == 0) return;
    const int error = errno;
    if (error == EACCES) {
        throw StartupError(
            fmt::format("{0}: its owner cannot enter it: chmod 700 {0}, and see that the directories "
                        "above it can be passed",
                        shell_word(path)));
    }
    throw StartupError(fmt::format("{}: {}", shell_word(path), explain(error)));
}

}  // namespace

std::filesystem::path DataDirectory::choose(const std::optional<std::filesystem::path>& option,
                                            const Settings& settings)
{
    return plain(chosen(option, settings));
}

DataDirectory DataDirectory::open(const std::filesystem::path& named, IfMissing if_missing,
                                  const std::optional<std::string>& user)
{
    const auto path = plain(named);
    struct stat status{};
    if (if_missing == IfMissing::make && ::lstat(path.c_str(), &status) != 0 && errno == ENOENT) {
        make(path);
        if (user) give_to(*user, path);
    }
    const auto directory = open_private(path, status);
    if (user) require_user(*user, status, path);
    become_owner(status, path);
    require_reachable(path);
    return DataDirectory(path);
}

}  // namespace securelogin
