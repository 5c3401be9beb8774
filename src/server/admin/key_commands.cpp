#include "server/admin/key_commands.hpp"

#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "common/text.hpp"
#include "server/admin/failure.hpp"
#include "server/admin/installation.hpp"
#include "server/admin/output.hpp"
#include "server/descriptor.hpp"
#include "server/durable_file.hpp"
#include "server/master_key_file.hpp"
#include "server/ownership.hpp"
#include "server/store/kept_keys.hpp"
#include "server/store/key_rotation.hpp"

namespace securelogin::admin {
namespace {

using IfMissing = DataDirectory::IfMissing;

constexpr std::string_view kRotating = "rotating the master key";

/// Two rotations at once would make two new keys, and one of them would be lost with what is sealed under it.
/// The kernel gives the lock back with the process, however that ends.
class OneAtATime {
  public:
    explicit OneAtATime(const std::filesystem::path& data) : directory_(open_directory(data))
    {
        if (directory_.is_open() && ::flock(directory_.get(), LOCK_EX | LOCK_NB) == 0) return;
        if (errno == EWOULDBLOCK) {
            throw Failure(ExitCode::try_later,
                          fmt::format("{}: another key rotate is at work: wait for it", kRotating));
        }
        throw Failure(ExitCode::input_output,
                      fmt::format("{}: {}: {}", kRotating, shell_word(data), std::strerror(errno)));
    }

  private:
    Descriptor directory_;
};

/// How far it is, for a person; ten times a second at most.
class Progress {
  public:
    explicit Progress(store::KeyRotation& rotation) : shown_(isatty(STDERR_FILENO) == 1)
    {
        if (shown_) all_ = rotation.count_users();
    }
    ~Progress()
    {
        if (drawn_) std::cerr << "\r\033[K";
    }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void draw(std::string_view what, std::uint64_t users)
    {
        const auto now = std::chrono::steady_clock::now();
        if (!shown_ || now < next_) return;
        next_ = now + std::chrono::milliseconds(100);
        drawn_ = true;
        std::cerr << fmt::format("\r\033[K{} {} of {} users", what, users, all_) << std::flush;
    }

  private:
    bool shown_;
    bool drawn_ = false;
    std::uint64_t all_ = 0;
    std::chrono::steady_clock::time_point next_{};
};

[[noreturn]] void needs_second_credential()
{
    throw Failure(ExitCode::configuration,
                  fmt::format("{}: it comes from systemd: add a second line to the credential with "
                              "`securelogin-admin key generate`, restart securelogind, and rotate then: "
                              "docs/administration.md has the commands",
                              kRotating));
}

/// Both keys are durable, the old one first, where every program finds them.
void provide_new_key(const DataDirectory& directory, bool rotating)
{
    auto keys = directory.load_master_keys(IfMissing::refuse);
    if (keys.size() > 1 || rotating) return;  // an earlier run got so far
    if (DataDirectory::gets_master_key_from_credential()) needs_second_credential();
    const auto old = keys.back().id();
    auto fresh = generate_master_key();
    while (fresh.id() == old) fresh = generate_master_key();  // they are told apart by their ids
    keys.push_back(std::move(fresh));
    directory.replace_master_keys(keys);
}

/// What is left of the old key, once nothing is under it.
void drop_old_key(const DataDirectory& directory)
{
    if (DataDirectory::gets_master_key_from_credential()) return;
    auto keys = directory.load_master_keys(IfMissing::refuse);
    if (keys.size() < 2) return;
    keys.erase(keys.begin());
    directory.replace_master_keys(keys);
}

std::uint64_t reseal_all(store::KeyRotation& rotation)
{
    Progress progress(rotation);
    std::uint64_t values = 0;
    std::string_view what = "resealed";
    for (;;) {
        const auto found = rotation.reseal([&](std::uint64_t users) { progress.draw(what, users); });
        if (found == 0) return values;
        values += found;
        what = "checked";  // the last look, before the old key goes
    }
}

struct Rotated {
    std::string key;
    std::uint64_t values;
    bool log_emptied;
    bool old_key_in_credential;
};

Rotated rotate(const DataDirectory& directory)
{
    const auto source = directory.master_keys(IfMissing::refuse);
    store::KeyRotation rotation(directory.database(), source);
    const auto now = [] { return auth::SystemClock().now(); };
    rotation.begin(now());
    const auto values = reseal_all(rotation);
    rotation.finish(now());
    const bool emptied = rotation.empty_log();
    drop_old_key(directory);
    const auto keys = directory.load_master_keys(IfMissing::refuse);
    return {.key = auth::key_id_text(keys.back().id()),
            .values = values,
            .log_emptied = emptied,
            .old_key_in_credential = keys.size() > 1};
}

void confirm(const Options& options, const DataDirectory& directory, const Rotated& rotated, Output& output)
{
    if (rotated.old_key_in_credential) {
        std::cerr
            << "the old key is not needed any more: take the first line out of the credential, and restart "
               "securelogind\n";
    } else {
        tell(fmt::format("the master key is {} now: back up {} anew", rotated.key,
                         shell_word(directory.master_key())));
    }
    if (!rotated.log_emptied) {
        tell("what was sealed under the old key is still in the database's log, until its next checkpoint");
    }
    if (!options.json) return;
    output.write_json({{"master_key_id", rotated.key},
                       {"resealed", rotated.values},
                       {"log_emptied", rotated.log_emptied},
                       {"old_key_in_credential", rotated.old_key_in_credential}});
    output.write("\n");
}

}  // namespace

void run(const Options& options, const KeyRotate&, Output& output)
{
    bool rotating = false;
    const auto directory = [&] {
        const auto installation = open_installation(options, IfMissing::refuse);
        const auto kept = store::read_kept_keys(installation.directory.database(), installation.keys);
        rotating = kept.retiring.has_value();
        return installation.directory;
    }();
    const DirectoryLock at_work(directory.path(), DirectoryLock::As::program);
    const OneAtATime lock(directory.path());
    provide_new_key(directory, rotating);
    confirm(options, directory, rotate(directory), output);
}

void run(const Options&, const KeyGenerate&, Output& output)
{
    output.write(key_line(generate_master_key()).view());
}

}  // namespace securelogin::admin
