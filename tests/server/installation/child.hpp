// child.hpp: what is done in a process of its own, because it cannot be undone or has to happen at once.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <utility>

namespace securelogin {

class Child {
  public:
    /// The child ends with what `body` returns; 255 when it throws.
    template <typename Body>
    explicit Child(Body&& body) : process_(::fork())
    {
        if (process_ == 0) ::_exit(run(std::forward<Body>(body)));
    }
    Child(Child&& other) noexcept : process_(std::exchange(other.process_, -1)) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    Child& operator=(Child&&) = delete;
    ~Child()
    {
        if (process_ > 0) ::waitpid(process_, nullptr, 0);
    }

    /// -1 when it did not end by itself.
    [[nodiscard]] int exit_code()
    {
        int status = 0;
        if (::waitpid(std::exchange(process_, -1), &status, 0) < 0 || !WIFEXITED(status)) return -1;
        return WEXITSTATUS(status);
    }

  private:
    template <typename Body>
    static int run(Body&& body)
    {
        try {
            return std::forward<Body>(body)();
        } catch (...) {
            return 255;
        }
    }

    pid_t process_;
};

}  // namespace securelogin
