#include "client/code_command.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "client/failure.hpp"
#include "client/file_descriptor.hpp"

namespace securelogin::client {
namespace {

[[noreturn]] void fail(const std::string& why)
{
    throw Failure(ExitCode::not_trusted, "running the --code-command: " + why);
}

void require_spawn(int error, const char* doing)
{
    if (error != 0) throw std::system_error(error, std::generic_category(), doing);
}

class FileActions {
  public:
    FileActions()
    {
        require_spawn(::posix_spawn_file_actions_init(&actions_), "preparing the --code-command");
    }
    ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    [[nodiscard]] posix_spawn_file_actions_t* get() noexcept { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_{};
};

class Attributes {
  public:
    Attributes() { require_spawn(::posix_spawnattr_init(&attributes_), "preparing the --code-command"); }
    ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    [[nodiscard]] posix_spawnattr_t* get() noexcept { return &attributes_; }

  private:
    posix_spawnattr_t attributes_{};
};

/// A child that is ended with its owner, unless it was waited for.
class Child {
  public:
    Child(const std::string& command, int output)
    {
        FileActions files;
        require_spawn(::posix_spawn_file_actions_adddup2(files.get(), output, STDOUT_FILENO),
                      "preparing the --code-command");
        if (::isatty(STDIN_FILENO) != 1) {
            require_spawn(
                ::posix_spawn_file_actions_addopen(files.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0),
                "preparing the --code-command");
        }
        Attributes attributes;
        sigset_t usual;  // the client ignores SIGPIPE; its child may count on it
        ::sigemptyset(&usual);
        ::sigaddset(&usual, SIGPIPE);
        require_spawn(::posix_spawnattr_setsigdefault(attributes.get(), &usual),
                      "preparing the --code-command");
        require_spawn(::posix_spawnattr_setflags(attributes.get(), POSIX_SPAWN_SETSIGDEF),
                      "preparing the --code-command");
        std::string shell = "sh";
        std::string option = "-c";
        std::string line = command;
        const std::array<char*, 4> words{shell.data(), option.data(), line.data(), nullptr};
        require_spawn(::posix_spawn(&id_, "/bin/sh", files.get(), attributes.get(), words.data(), ::environ),
                      "starting the --code-command");
    }
    ~Child()
    {
        if (id_ < 0) return;
        ::kill(id_, SIGTERM);
        (void)wait();
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    /// waitpid(2)'s status.
    int wait() noexcept
    {
        int status = 0;
        while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
        }
        id_ = -1;
        return status;
    }

  private:
    pid_t id_ = -1;
};

/// Reads on to the end: a command whose output nobody takes would fail for that.
void drain(int descriptor)
{
    std::array<char, 512> rest{};
    for (;;) {
        const auto count = ::read(descriptor, rest.data(), rest.size());
        if (count == 0 || (count < 0 && errno != EINTR)) break;
    }
    wipe(rest);
}

void require_success(int status)
{
    if (WIFSIGNALED(status)) fail("it was ended by signal " + std::to_string(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0) fail("it failed with status " + std::to_string(WEXITSTATUS(status)));
}

}  // namespace

Answer CodeCommand::run(const Watch& watch) const
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) require_spawn(errno, "preparing the --code-command");
    const FileDescriptor reading(ends[0]);
    FileDescriptor writing(ends[1]);
    Child child(command_, writing.get());
    writing.close();
    auto next = LineInput(reading.get()).next({&watch, 1});
    if (next.answer.kind == Answer::Kind::server_spoke) return std::move(next.answer);
    drain(reading.get());
    require_success(child.wait());
    if (next.malformed) fail("it printed a " + std::string(describe(*next.malformed)));
    if (next.answer.kind != Answer::Kind::given || next.answer.line.empty()) fail("it printed no code");
    return std::move(next.answer);
}

}  // namespace securelogin::client
