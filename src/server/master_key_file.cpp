#include "server/master_key_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/base64.hpp"
#include "server/auth/clock.hpp"
#include "server/data_directory.hpp"
#include "server/durable_file.hpp"
#include "server/ownership.hpp"

namespace securelogin {
namespace {

using Keys = std::vector<auth::MasterKey>;

constexpr mode_t kPrivateFile = S_IRUSR | S_IWUSR;
constexpr const char* kCredential = "securelogin-master-key";
constexpr std::string_view kKeyPrefix = "SECURELOGIN-MASTER-KEY-1 ";
constexpr std::size_t kKeyFileLimit = 256;  // octets: one with two keys has 140
constexpr std::size_t kMostKeys = 2;

[[noreturn]] void refuse_key(const std::filesystem::path& file)
{
    throw StartupError(
        fmt::format("{}: is not a whole master key: restore it from the backup", shell_word(file)));
}

Secret read_limited(const Descriptor& descriptor, const std::filesystem::path& file)
{
    Secret content(kKeyFileLimit);
    std::size_t size = 0;
    while (size < content.size()) {
        const auto count = ::read(descriptor.get(), content.chars().data() + size, content.size() - size);
        if (count == 0) break;
        if (count < 0 && errno != EINTR) {
            throw StartupError(fmt::format("{}: reading it: {}", shell_word(file), explain(errno)));
        }
        if (count > 0) size += static_cast<std::size_t>(count);
    }
    content.truncate(size);
    return content;
}

auth::MasterKey parse_key(std::string_view line, const std::filesystem::path& file)
{
    if (!line.starts_with(kKeyPrefix)) refuse_key(file);
    auto bytes = from_base64(line.substr(kKeyPrefix.size()));
    if (!bytes || bytes->size() != auth::MasterKey::kSize) refuse_key(file);
    return auth::MasterKey(std::move(*bytes));
}

Keys parse_keys(std::string_view lines, const std::filesystem::path& file)
{
    if (lines.ends_with('\n')) lines.remove_suffix(1);  // an editor may have left it out
    Keys keys;
    for (;;) {
        const auto end = lines.find('\n');
        keys.push_back(parse_key(lines.substr(0, end), file));
        if (end == std::string_view::npos) break;
        lines.remove_prefix(end + 1);
    }
    if (keys.size() > kMostKeys) refuse_key(file);
    if (keys.size() == kMostKeys && keys.front().id() == keys.back().id()) refuse_key(file);
    return keys;
}

/// `ignored`: bits of the mode that do not count.
std::optional<Keys> read(const Descriptor& descriptor, const std::filesystem::path& file, mode_t ignored)
{
    if (!descriptor.is_open() && errno == ENOENT) return std::nullopt;
    struct stat status{};
    if (!descriptor.is_open() || ::fstat(descriptor.get(), &status) != 0) {
        throw StartupError(fmt::format("{}: reading it: {}", shell_word(file), explain(errno)));
    }
    status.st_mode &= ~ignored;
    require_private_file(status, file);
    return parse_keys(read_limited(descriptor, file).view(), file);
}

bool is_there(const Descriptor& directory, const std::filesystem::path& file)
{
    struct stat status{};
    return ::fstatat(directory.get(), file.filename().c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

Descriptor open_or_refuse(const std::filesystem::path& path)
{
    auto directory = open_directory(path);
    if (directory.is_open()) return directory;
    throw StartupError(fmt::format("{}: opening the data directory: {}", shell_word(path), explain(errno)));
}

Keys copy_of(const Keys& keys)
{
    Keys copies;
    for (const auto& key : keys) copies.push_back(key.clone());
    return copies;
}

}  // namespace

std::optional<Keys> read_master_keys(const Descriptor& directory, const std::filesystem::path& file)
{
    const Descriptor descriptor(::openat(directory.get(), file.filename().c_str(),
                                         O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    return read(descriptor, file, 0);
}

std::optional<Keys> read_credential_keys()
{
    const char* const place = std::getenv("CREDENTIALS_DIRECTORY");
    if (place == nullptr || *place == '\0') return std::nullopt;
    const auto file = std::filesystem::path(place) / kCredential;
    const Descriptor descriptor(
        ::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    // systemd lets our user in by an access control list, whose mask shows in the place of the group's bits.
    return read(descriptor, file, S_IRGRP);
}

void write_master_keys(const Descriptor& directory, const std::filesystem::path& file, const Keys& keys)
{
    std::vector<Secret> lines;
    std::size_t size = 0;
    for (const auto& key : keys) size += lines.emplace_back(key_line(key)).size();
    Secret content(size);
    auto end = content.chars().begin();
    for (const auto& line : lines) end = std::ranges::copy(line.view(), end).out;
    StagedFile(directory, file, content.view(), kPrivateFile).replace();
    sync_directory(directory, file.parent_path());
}

auth::MasterKey generate_master_key()
{
    auth::SystemRandom random;
    Secret bytes(auth::MasterKey::kSize);
    random.fill(bytes.bytes());
    return auth::MasterKey(std::move(bytes));
}

Secret key_line(const auth::MasterKey& key)
{
    auto base64 = to_base64(key.bytes().bytes());
    Secret line(kKeyPrefix.size() + base64.size() + 2);
    auto end = std::ranges::copy(kKeyPrefix, line.chars().begin()).out;
    end = std::ranges::copy(base64, end).out;
    std::ranges::copy(std::string_view("=\n"), end);  // padded, as base64(1) wants it
    wipe(base64);
    return line;
}

// ---- as the data directory has them ----

std::vector<auth::MasterKey> DataDirectory::load_master_keys(IfMissing if_missing) const
{
    const auto file = master_key();
    const auto directory = open_or_refuse(path_);
    const auto sealed = database().filename().string();
    const bool may_make = if_missing == IfMissing::make;

    // The database first: whoever makes one has made its key before, so one without a key has lost it.
    const bool has_database = is_there(directory, database());
    if (auto keys = read_credential_keys()) return std::move(*keys);
    auto keys = read_master_keys(directory, file);
    if (!keys && may_make && !has_database) {
        if (StagedFile(directory, file, key_line(generate_master_key()).view(), kPrivateFile)
                .publish_if_free()) {
            std::cerr << fmt::format("made the master key {}: keep a copy of it, apart from copies of {}\n",
                                     shell_word(file), sealed);
        }
        keys = read_master_keys(directory, file);
    }
    if (!keys && has_database) {
        throw StartupError(fmt::format("{}: is missing, and {} is sealed with it: restore it from the backup",
                                       shell_word(file), sealed));
    }
    if (!keys) {
        throw StartupError(fmt::format("{}: is missing: start securelogind or enrol a user, which makes it",
                                       shell_word(file)));
    }
    // Whoever made it: what is sealed with it from now on must not outlive it.
    if (may_make && !has_database) sync_directory(directory, path_);
    return std::move(*keys);
}

auth::MasterKeySource DataDirectory::master_keys(IfMissing if_missing) const
{
    auto keys = load_master_keys(if_missing);
    if (gets_master_key_from_credential()) {
        // They stay as they were at the start, and are out of reach once the process has confined itself.
        const auto kept = std::make_shared<const Keys>(std::move(keys));
        return [kept] { return copy_of(*kept); };
    }
    return [file = master_key(), path = path_] {
        auto now = read_master_keys(open_or_refuse(path), file);
        if (now) return std::move(*now);
        throw StartupError(fmt::format("{}: is missing: restore it from the backup", shell_word(file)));
    };
}

auth::MasterKey DataDirectory::load_master_key(IfMissing if_missing) const
{
    return std::move(load_master_keys(if_missing).back());
}

bool DataDirectory::gets_master_key_from_credential() { return read_credential_keys().has_value(); }

void DataDirectory::replace_master_keys(const std::vector<auth::MasterKey>& keys) const
{
    write_master_keys(open_or_refuse(path_), master_key(), keys);
}

}  // namespace securelogin
