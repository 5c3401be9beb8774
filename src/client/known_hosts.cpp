#include "client/known_hosts.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>

#include "client/destination.hpp"
#include "client/failure.hpp"
#include "client/file_descriptor.hpp"
#include "client/private_file.hpp"
#include "common/certificate.hpp"
#include "common/text.hpp"

namespace securelogin::client {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestHostsFile = std::size_t{1} << 20U;  // bytes
constexpr std::string_view kBlanks = " \t\r";

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
    if (::fstat(opened.get(), &status) != 0) file_failure("reading", file);
    if (!S_ISREG(status.st_mode)) file_failure("reading", file, "not a regular file");
    if (status.st_uid != ::geteuid() && status.st_uid != 0) {
        file_failure("reading", file,
                     "it belongs to another user, who could name servers to trust: remove it");
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        file_failure("reading", file, "others may write it: chmod 600 it after a look at what it says");
    }
}

/// Empty when there is no such file.
std::string read_file(const fs::path& file)
{
    const FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!opened.is_open() && errno == ENOENT) return {};
    if (!opened.is_open()) file_failure("reading", file);
    require_safe(opened, file);
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
        const auto count = ::read(opened.get(), part.data(), part.size());
        if (count < 0) file_failure("reading", file);
        if (count == 0) return text;
        text.append(part.data(), static_cast<std::size_t>(count));
        if (text.size() > kLargestHostsFile) file_failure("reading", file, "larger than 1 MiB");
    }
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

fs::path known_hosts_file() { return configuration_directory() / "known_hosts"; }

std::vector<KnownHost> KnownHosts::find(std::string_view host_and_port) const
{
    auto entries = parse_known_hosts(read_file(file_), file_);
    std::erase_if(entries, [&](const KnownHost& entry) { return entry.host_and_port != host_and_port; });
    return entries;
}

void KnownHosts::add(const std::string& host_and_port, const std::string& fingerprint) const
{
    make_private_directory(file_.parent_path());
    const auto held = lock_directory(file_.parent_path());
    std::error_code error;
    auto real =
        fs::weakly_canonical(file_, error);  // one that is kept elsewhere, by a symbolic link, stays there
    if (error) file_failure("saving", file_, error.message());
    auto text = read_file(real);
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    replace_file(real, text + host_and_port + ' ' + fingerprint + '\n');
}

}  // namespace securelogin::client
