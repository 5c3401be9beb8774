#include "server/store/staged_database.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "server/auth/time_text.hpp"
#include "server/store/errors.hpp"

namespace securelogin::store {
namespace {

constexpr std::size_t kPiece = 1U << 18U;        // octets
constexpr int kMostKept = 100;                   // in one second
constexpr std::array kLogs{"-wal", "-journal"};  // what belongs to a database's file
constexpr const char* kIndex = "-shm";           // of a log, made anew from it

class Opened {
  public:
    Opened(const std::filesystem::path& file, int flags)
        : descriptor_(::open(file.c_str(), flags | O_CLOEXEC, S_IRUSR | S_IWUSR))
    {
    }
    ~Opened()
    {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;

    [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }
    [[nodiscard]] int get() const noexcept { return descriptor_; }

  private:
    int descriptor_;
};

[[noreturn]] void fail(std::string_view doing, const std::filesystem::path& file, int error)
{
    const bool full = error == ENOSPC || error == EDQUOT;
    throw store_error(doing, file, full ? "the disk is full" : std::strerror(error),
                      full ? "free some space on its file system" : "check the disk and its file system");
}

void write_all(int descriptor, const std::vector<char>& octets, std::size_t count,
               const std::filesystem::path& file)
{
    for (std::size_t written = 0; written < count;) {
        const auto more = ::write(descriptor, octets.data() + written, count - written);
        if (more < 0 && errno != EINTR) fail("writing", file, errno);
        if (more > 0) written += static_cast<std::size_t>(more);
    }
}

void sync(const std::filesystem::path& path, int flags)
{
    const Opened opened(path, O_RDONLY | flags);
    if (!opened.is_open() || ::fsync(opened.get()) != 0) fail("making durable", path, errno);
}

/// `securelogin.db.replaced-20261122T201504Z`
std::string kept_name(const std::filesystem::path& database, auth::Time now, int number)
{
    auto moment = auth::to_rfc3339(now);
    std::erase_if(moment, [](char c) { return c == '-' || c == ':'; });
    auto name = database.string() + ".replaced-" + moment;
    if (number > 1) name += "-" + std::to_string(number);
    return name;
}

/// A second name for `file`; nothing where there is no such file.  False where the name is taken.
bool link_to(const std::filesystem::path& file, const std::filesystem::path& name)
{
    if (::link(file.c_str(), name.c_str()) == 0 || errno == ENOENT) return true;
    if (errno == EEXIST) return false;
    fail("keeping", file, errno);
}

std::filesystem::path keep(const std::filesystem::path& database, auth::Time now)
{
    for (int number = 1; number <= kMostKept; ++number) {
        const std::filesystem::path name = kept_name(database, now, number);
        if (!link_to(database, name)) continue;
        for (const auto* const log : kLogs) {
            if (!link_to(database.string() + log, name.string() + log)) fail("keeping", database, EEXIST);
        }
        return name;
    }
    fail("keeping", database, EEXIST);
}

void unlink_if_there(const std::filesystem::path& file)
{
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) fail("removing", file, errno);
}

}  // namespace

std::filesystem::path staged_beside(const std::filesystem::path& database)
{
    return database.string() + ".restoring";
}

void copy_to_staged(int descriptor, const std::filesystem::path& file, const std::filesystem::path& origin)
{
    unlink_if_there(file);
    const Opened copy(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
    if (!copy.is_open()) fail("making", file, errno);
    std::vector<char> octets(kPiece);
    for (off_t position = 0;;) {
        const auto count = ::pread(descriptor, octets.data(), octets.size(), position);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("reading", origin, errno);
        if (count == 0) return;
        write_all(copy.get(), octets, static_cast<std::size_t>(count), file);
        position += count;
    }
}

void remove_staged(const std::filesystem::path& staged) noexcept
{
    ::unlink(staged.c_str());
    for (const auto* const suffix : {"-wal", "-journal", "-shm"}) {
        try {
            ::unlink((staged.string() + suffix).c_str());
        } catch (const std::bad_alloc&) {
            return;  // the next restore removes it
        }
    }
}

std::optional<std::filesystem::path> publish_staged(const std::filesystem::path& staged,
                                                    const std::filesystem::path& database, auth::Time now)
{
    sync(staged, 0);
    std::optional<std::filesystem::path> kept;
    if (::access(database.c_str(), F_OK) == 0) kept = keep(database, now);
    // Beside the new file, a log of the old one would be taken for its own.
    for (const auto* const log : kLogs) unlink_if_there(database.string() + log);
    unlink_if_there(database.string() + kIndex);
    sync(database.parent_path(), O_DIRECTORY);
    if (::rename(staged.c_str(), database.c_str()) != 0) fail("replacing", database, errno);
    sync(database.parent_path(), O_DIRECTORY);
    return kept;
}

}  // namespace securelogin::store
