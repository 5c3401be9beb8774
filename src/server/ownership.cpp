#include "server/ownership.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "common/text.hpp"
#include "server/config.hpp"

namespace securelogin {
namespace {

constexpr mode_t kOthers = S_IRWXG | S_IRWXO;
constexpr std::size_t kPasswdEntry = 16384;  // octets

struct User {
    std::string name;
    gid_t group;
};

std::optional<User> find_user(uid_t uid)
{
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, kPasswdEntry> buffer{};
    if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
        return std::nullopt;
    return User{found->pw_name, found->pw_gid};
}

std::string name_of(uid_t uid)
{
    const auto user = find_user(uid);
    return user ? user->name : fmt::format("uid {}", uid);
}

passwd require_known(const std::string& name, std::array<char, kPasswdEntry>& buffer)
{
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
        throw StartupError(
            fmt::format("process.user = \"{}\": there is no such user: make it (systemd-sysusers "
                        "makes securelogin), or leave the line out",
                        name));
    }
    return entry;
}

bool is_exactly(uid_t user, gid_t group)
{
    std::array<uid_t, 3> users{};
    std::array<gid_t, 3> groups{};
    return ::getresuid(&users[0], &users[1], &users[2]) == 0 &&
           ::getresgid(&groups[0], &groups[1], &groups[2]) == 0 && users == std::array{user, user, user} &&
           groups == std::array{group, group, group} && ::getgroups(0, nullptr) == 0;
}

}  // namespace

std::string explain(int error)
{
    const std::string_view what = std::strerror(error);
    switch (error) {
        case ENOSPC:
        case EDQUOT:
            return fmt::format("{}: free some space", what);
        case EROFS:
            return fmt::format("{}: mount it read-write, or choose another directory with --data", what);
        case EACCES:
        case EPERM:
            return fmt::format("{}: run this as the owner of the data directory, or as root", what);
        case ELOOP:
            return "is a symbolic link: put what it points to in its place";
        default:
            return std::string(what);
    }
}

std::string shell_word(const std::filesystem::path& path)
{
    constexpr std::string_view harmless =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:,@%";
    auto text = printable(path.string());
    if (text.find_first_not_of(harmless) == std::string::npos) return text;
    for (auto quote = text.find('\''); quote != std::string::npos; quote = text.find('\'', quote + 4)) {
        text.replace(quote, 1, R"('\'')");
    }
    return "'" + text + "'";
}

void require_private_directory(const struct stat& status, const std::filesystem::path& path)
{
    const auto word = shell_word(path);
    if (!S_ISDIR(status.st_mode)) {
        throw StartupError(fmt::format("{}: is not a directory: choose another with --data", word));
    }
    if (::geteuid() != 0 && status.st_uid != ::geteuid()) {
        throw StartupError(fmt::format("{}: belongs to {}: run this as that user, or as root", word,
                                       name_of(status.st_uid)));
    }
    if ((status.st_mode & kOthers) != 0) {
        throw StartupError(
            fmt::format("{0}: mode {1:04o} lets others in: chmod 700 {0}", word, status.st_mode & 07777U));
    }
}

void require_private_file(const struct stat& status, const std::filesystem::path& path)
{
    const auto word = shell_word(path);
    if (!S_ISREG(status.st_mode)) {
        throw StartupError(fmt::format("{}: is not a regular file: put the file itself there", word));
    }
    if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
        throw StartupError(fmt::format("{0}: belongs to {1}, who could read and change it: chown {2} {0}",
                                       word, name_of(status.st_uid), name_of(::geteuid())));
    }
    if ((status.st_mode & kOthers) != 0) {
        throw StartupError(fmt::format("{0}: mode {1:04o} lets others read it: chmod 600 {0}", word,
                                       status.st_mode & 07777U));
    }
}

void require_user(const std::string& name, const struct stat& status, const std::filesystem::path& path)
{
    std::array<char, kPasswdEntry> buffer{};
    const auto wanted = require_known(name, buffer).pw_uid;
    if (::geteuid() != 0 && ::geteuid() != wanted) {
        throw StartupError(fmt::format("process.user = \"{0}\": this runs as {1}: run it as {0}, or as root",
                                       name, name_of(::geteuid())));
    }
    if (status.st_uid != wanted) {
        throw StartupError(fmt::format("{0}: belongs to {1}, and process.user is \"{2}\": chown -R {2}: {0}",
                                       shell_word(path), name_of(status.st_uid), name));
    }
}

void give_to(const std::string& name, const std::filesystem::path& path)
{
    if (::geteuid() != 0) return;
    std::array<char, kPasswdEntry> buffer{};
    const auto user = require_known(name, buffer);
    if (::lchown(path.c_str(), user.pw_uid, user.pw_gid) != 0) {
        throw StartupError(fmt::format("{}: giving it to {}: {}", shell_word(path), name, explain(errno)));
    }
}

void become_owner(const struct stat& status, const std::filesystem::path& path)
{
    if (::geteuid() != 0 || status.st_uid == 0) return;
    // The directory's own group may be root's, which is not to be kept.
    const auto user = find_user(status.st_uid);
    const gid_t group = user ? user->group : status.st_gid;
    // In this order: without the user's rights the groups could not be left.
    const bool left = ::setgroups(0, nullptr) == 0 && ::setresgid(group, group, group) == 0 &&
                      ::setresuid(status.st_uid, status.st_uid, status.st_uid) == 0;
    if (!left || !is_exactly(status.st_uid, group) || ::setuid(0) == 0) {
        throw StartupError(fmt::format("{}: becoming its owner, {}: {}: run this as that user",
                                       shell_word(path), name_of(status.st_uid), std::strerror(errno)));
    }
}

}  // namespace securelogin
