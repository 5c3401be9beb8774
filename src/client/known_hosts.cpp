#include "client/known_hosts.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <system_error>

#include "client/destination.hpp"
#include "client/failure.hpp"
#include "client/file_descriptor.hpp"
#include "common/certificate.hpp"
#include "common/text.hpp"

namespace securelogin::client {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileLimit = std::size_t{1} << 20U;  // bytes
constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr std::string_view kBlanks = " \t\r";

[[noreturn]] void fail(std::string_view doing, const fs::path& file, const std::string& why)
{
    throw Failure(ExitCode::not_trusted, std::string(doing) + ' ' + printable(file.string()) + ": " + why);
}

[[noreturn]] void fail_with_errno(std::string_view doing, const fs::path& file)
{
    fail(doing, file, std::generic_category().message(errno));
}

std::string_view take_word(std::string_view& line)
{
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    const auto word = line.substr(0, line.find_first_of(kBlanks));
    line.remove_prefix(word.size());
    return word;
}

/// Nothing when it does not name one server with its port.
std::optional<std::string> normalize_host(std::string_view text)
{
    try {
        const auto destination = parse_destination(text);
        auto name = destination.host_and_port();
        // Only a port that was written: "host" alone would mean a default that may change.
        const bool has_port = text.ends_with(':' + std::to_string(destination.port));
        if (destination.user || !has_port) return std::nullopt;
        return name;
    } catch (const Failure&) {
        return std::nullopt;
    }
}

KnownHost parse_entry(std::string_view line, std::size_t number, const fs::path& file)
{
    const auto host = normalize_host(take_word(line));
    const auto fingerprint = normalize_fingerprint(take_word(line));
    if (host && fingerprint && take_word(line).empty()) return {*host, *fingerprint, number};
    throw Failure(ExitCode::not_trusted, "reading " + printable(file.string()) + ": line " +
                                             std::to_string(number) +
                                             " is malformed: mend it ('host:port SHA256:...') or remove it");
}

void require_safe(const FileDescriptor& opened, const fs::path& file)
{
    struct stat status{};
    if (::fstat(opened.get(), &status) != 0) fail_with_errno("reading", file);
    if (!S_ISREG(status.st_mode)) fail("reading", file, "not a regular file");
    if (status.st_uid != ::geteuid() && status.st_uid != 0) {
        fail("reading", file, "it belongs to another user, who could name servers to trust: remove it");
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        fail("reading", file, "others may write it: chmod 600 it after a look at what it says");
    }
}

/// Empty when there is no such file.
std::string read_file(const fs::path& file)
{
    const FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!opened.is_open() && errno == ENOENT) return {};
    if (!opened.is_open()) fail_with_errno("reading", file);
    require_safe(opened, file);
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
        const auto count = ::read(opened.get(), part.data(), part.size());
        if (count < 0) fail_with_errno("reading", file);
        if (count == 0) return text;
        text.append(part.data(), static_cast<std::size_t>(count));
        if (text.size() > kFileLimit) fail("reading", file, "larger than 1 MiB");
    }
}

void sync_directory(const fs::path& directory)
{
    const FileDescriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.is_open() || ::fsync(opened.get()) != 0) fail_with_errno("saving", directory);
}

/// The old contents or the new, never a part of either, also after a power cut.
void replace(const fs::path& file, std::string_view text)
{
    auto name = file.string() + ".XXXXXX";
    FileDescriptor temporary(::mkostemp(name.data(), O_CLOEXEC));
    if (!temporary.is_open()) fail_with_errno("saving", file);
    const bool written = write_all(temporary.get(), text) && ::fchmod(temporary.get(), kFileMode) == 0 &&
                         ::fsync(temporary.get()) == 0 && ::rename(name.c_str(), file.c_str()) == 0;
    if (!written) {
        const int error = errno;
        ::unlink(name.c_str());
        errno = error;
        fail_with_errno("saving", file);
    }
    sync_directory(file.parent_path());
}

void make_directory(const fs::path& directory)
{
    std::error_code error;
    fs::create_directories(directory.parent_path(), error);
    if (error) fail("making", directory.parent_path(), error.message());
    if (::mkdir(directory.c_str(), kDirectoryMode) != 0 && errno != EEXIST)
        fail_with_errno("making", directory);
}

/// Held until it is closed; a rewrite by another program would lose what one of us added.
FileDescriptor lock(const fs::path& directory)
{
    FileDescriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.is_open() || ::flock(opened.get(), LOCK_EX) != 0) fail_with_errno("locking", directory);
    return opened;
}

fs::path home()
{
    const char* const variable = std::getenv("HOME");
    if (variable != nullptr && *variable == '/') return variable;
    const auto* const entry = ::getpwuid(::geteuid());
    if (entry != nullptr && entry->pw_dir != nullptr && *entry->pw_dir == '/') return entry->pw_dir;
    throw Failure(
        ExitCode::not_trusted,
        "looking for known_hosts: no home directory: set HOME or XDG_CONFIG_HOME, or use --fingerprint");
}

}  // namespace

std::vector<KnownHost> parse_known_hosts(std::string_view text, const fs::path& file)
{
    std::vector<KnownHost> entries;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const auto first = line.find_first_not_of(kBlanks);
        if (first == std::string_view::npos || line[first] == '#') continue;
        entries.push_back(parse_entry(line, number, file));
    }
    return entries;
}

fs::path known_hosts_file()
{
    const char* const configured = std::getenv("XDG_CONFIG_HOME");
    // The XDG specification: a relative path is to be ignored.
    const auto base = configured != nullptr && *configured == '/' ? fs::path(configured) : home() / ".config";
    return base / "securelogin" / "known_hosts";
}

std::vector<KnownHost> KnownHosts::find(std::string_view host_and_port) const
{
    auto entries = parse_known_hosts(read_file(file_), file_);
    std::erase_if(entries, [&](const KnownHost& entry) { return entry.host_and_port != host_and_port; });
    return entries;
}

void KnownHosts::add(const std::string& host_and_port, const std::string& fingerprint) const
{
    make_directory(file_.parent_path());
    const auto held = lock(file_.parent_path());
    std::error_code error;
    auto real =
        fs::weakly_canonical(file_, error);  // one that is kept elsewhere, by a symbolic link, stays there
    if (error) fail("saving", file_, error.message());
    auto text = read_file(real);
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    replace(real, text + host_and_port + ' ' + fingerprint + '\n');
}

}  // namespace securelogin::client
