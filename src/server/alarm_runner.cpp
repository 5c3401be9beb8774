#include "server/alarm_runner.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <optional>
#include <system_error>

#include "server/startup_error.hpp"

namespace securelogin {
namespace {

using SteadyClock = std::chrono::steady_clock;
using SteadyTime = SteadyClock::time_point;

struct Pipe {
    Descriptor to_read, to_write;
};

Pipe make_pipe()
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw std::system_error(errno, std::generic_category(), "making a pipe for alarms");
    }
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

/// What the command finds: its line on stdin, and nothing of ours.
class SpawnSettings {
  public:
    explicit SpawnSettings(int standard_input)
    {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_adddup2(&actions_, standard_input, STDIN_FILENO);
        ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        ::posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
        ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setpgroup(&attributes_, 0);  // of its own, to be killed as one
        ::posix_spawnattr_setflags(&attributes_,
                                   POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    ~SpawnSettings()
    {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&actions_);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;

    [[nodiscard]] const posix_spawn_file_actions_t* actions() const noexcept { return &actions_; }
    [[nodiscard]] const posix_spawnattr_t* attributes() const noexcept { return &attributes_; }

  private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

/// What the forked process does for the rest of its life.
class Runner {
  public:
    Runner(const AlarmRunner::Options& options, int queue) : options_(options), queue_(queue) {}

    void run()
    {
        std::string waiting;
        for (;;) {
            const auto end = waiting.find('\n');
            if (end == std::string::npos) {
                if (!read_more(waiting)) return;
                continue;
            }
            run_command(waiting.substr(0, end + 1));
            waiting.erase(0, end + 1);
        }
    }

  private:
    /// False at the end: the program is gone, and what it left behind has been read.
    bool read_more(std::string& waiting) const
    {
        std::array<char, PIPE_BUF> buffer{};
        const auto got = ::read(queue_, buffer.data(), buffer.size());
        if (got < 0) return errno == EINTR;
        waiting.append(buffer.data(), static_cast<std::size_t>(got));
        return got > 0;
    }

    void run_command(const std::string& line)
    {
        if (is_over()) return;
        const auto process = start(line);
        if (!process) return;
        const auto status = wait_for(*process, SteadyClock::now() + options_.time_limit);
        if (!status) return failed("it took too long and was killed");
        if (WIFSIGNALED(*status)) return failed(fmt::format("it was ended by signal {}", WTERMSIG(*status)));
        if (WEXITSTATUS(*status) != 0) failed(fmt::format("it returned {}", WEXITSTATUS(*status)));
    }

    std::optional<pid_t> start(const std::string& line)
    {
        const auto input = make_pipe();
        // A line is shorter than what a pipe takes: this never waits.
        if (::write(input.to_write.get(), line.data(), line.size()) < 0) {
            failed(std::strerror(errno));
            return std::nullopt;
        }
        auto words = options_.command;  // execve's arguments are not const
        std::vector<char*> arguments;
        arguments.reserve(words.size() + 1);
        for (auto& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        std::array<char*, 2> environment{path, nullptr};
        const SpawnSettings settings(input.to_read.get());
        pid_t process = 0;
        const int error = ::posix_spawn(&process, arguments[0], settings.actions(), settings.attributes(),
                                        arguments.data(), environment.data());
        if (error == 0) return process;
        failed(std::strerror(error));
        return std::nullopt;
    }

    /// Its status; nothing when it had to be killed.
    std::optional<int> wait_for(pid_t process, SteadyTime deadline)
    {
        constexpr int pause =
            100;  // ms: how often to look whether the program is gone, which cuts time short
        sigset_t child;
        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);  // blocked: it waits until we ask
        for (int status = 0;;) {
            const auto ended = ::waitpid(process, &status, WNOHANG);
            if (ended != 0) {
                ::kill(-process, SIGKILL);  // what it has left behind
                return ended > 0 ? std::optional(status) : std::nullopt;
            }
            if (SteadyClock::now() >= deadline || is_over()) break;
            const timespec patience{.tv_sec = 0, .tv_nsec = pause * 1'000'000L};
            ::sigtimedwait(&child, nullptr, &patience);
        }
        ::kill(-process, SIGKILL);
        ::waitpid(process, nullptr, 0);
        return std::nullopt;
    }

    /// Whether the program has been gone for kFarewell.
    bool is_over()
    {
        pollfd queue{.fd = queue_, .events = 0, .revents = 0};
        if (::poll(&queue, 1, 0) <= 0 || (queue.revents & POLLHUP) == 0) return false;
        if (!gone_since_) gone_since_ = SteadyClock::now();
        return SteadyClock::now() - *gone_since_ >= AlarmRunner::kFarewell;
    }

    void failed(const std::string& why) const
    {
        write_event_to_stderr(options_.log_format, Level::error, "alarm_command_failed",
                              {{"command", options_.command.front()}, {"error", why}});
    }

    const AlarmRunner::Options& options_;
    const int queue_;
    std::optional<SteadyTime> gone_since_;
};

/// Nothing of the program's stays with the process but stderr and the queue.
void leave_the_program(int queue)
{
    constexpr int kept = STDERR_FILENO + 1;
    ::dup3(queue, kept, O_CLOEXEC);  // where it is there already, nothing happens
    ::close_range(kept + 1, ~0U, 0);
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(nothing, STDOUT_FILENO);
    ::close(nothing);
    // The end of the queue is what ends it, not the signals that the program gets as well: nor a command that
    // has not a group of its own yet.
    ::setpgid(0, 0);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) std::signal(number, SIG_IGN);
    std::signal(SIGCHLD, SIG_DFL);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    ::sigprocmask(SIG_SETMASK, &child, nullptr);
    ::prctl(PR_SET_NAME, "alarm-runner");
}

[[noreturn]] void serve(const AlarmRunner::Options& options, int queue) noexcept
{
    leave_the_program(queue);
    try {
        Runner(options, STDERR_FILENO + 1).run();
    } catch (const std::exception& error) {
        write_event_to_stderr(options.log_format, Level::error, "alarm_command_failed",
                              {{"error", error.what()}});
    }
    ::_exit(0);  // nothing of what the program set up is ours to take down
}

}  // namespace

void require_runnable(const std::vector<std::string>& command)
{
    const auto& file = command.front();
    const auto refuse = [&](const std::string& why) {
        throw StartupError(fmt::format("alarms.command: {}: {}", file, why));
    };
    struct stat status{};
    if (::stat(file.c_str(), &status) != 0) refuse(std::strerror(errno));
    if (!S_ISREG(status.st_mode)) refuse("it is not a file");
    if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
        refuse("it belongs to another user: chown root it");
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) refuse("others can change it: chmod go-w it");
    if (::access(file.c_str(), X_OK) != 0) refuse("it cannot be run by this user: chmod a+rx it");
}

AlarmRunner::AlarmRunner(const Options& options)
{
    auto queue = make_pipe();
    if (::fcntl(queue.to_write.get(), F_SETFL, O_NONBLOCK) != 0) {
        throw std::system_error(errno, std::generic_category(), "making a pipe for alarms");
    }
    process_ = ::fork();
    if (process_ < 0) throw std::system_error(errno, std::generic_category(), "starting the alarms' process");
    if (process_ == 0) serve(options, queue.to_read.get());
    queue_ = std::move(queue.to_write);
}

AlarmRunner::~AlarmRunner()
{
    queue_.close();
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) continue;
}

bool AlarmRunner::post(std::string_view line) noexcept
{
    std::array<char, PIPE_BUF> message{};
    if (line.size() >= message.size()) return false;
    std::ranges::copy(line, message.begin());
    message.at(line.size()) = '\n';
    // All of it or nothing: pipe(7), PIPE_BUF.
    for (;;) {
        if (::write(queue_.get(), message.data(), line.size() + 1) >= 0) return true;
        if (errno != EINTR) return false;
    }
}

}  // namespace securelogin
