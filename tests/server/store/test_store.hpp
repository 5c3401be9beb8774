// test_store.hpp: what the store's tests share: keys, accounts, a store in a directory of its own, and other
// processes.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "server/auth/master_key.hpp"
#include "server/auth/store.hpp"
#include "server/store/sqlite_store.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/temporary_directory.hpp"

namespace securelogin::store {

using IfMissing = SqliteOptions::IfMissing;

inline auth::MasterKey master_key(char octet = 'k')
{
    return auth::MasterKey(Secret::copy_of(std::string(auth::MasterKey::kSize, octet)));
}

inline auth::UserName name(std::string_view text) { return auth::UserName::parse(text).value(); }

inline auth::NameKey name_key(std::uint32_t number)
{
    auth::NameKey key{};
    for (std::size_t i = 0; i < 4; ++i) key.at(i) = static_cast<std::uint8_t>(number >> (8 * i));
    return key;
}

inline auth::NewAccount new_account(std::string_view user, std::int64_t id)
{
    return {.id = auth::UserId{id},
            .name = name(user),
            .phc = Secret::copy_of("hash-of-" + std::string(user)),
            .totp_secret = Secret::copy_of("secret-of-" + std::string(user)),
            .totp = {},
            .created_at = support::kNoon};
}

inline std::unique_ptr<auth::Store> open_store(
    const std::filesystem::path& file, IfMissing if_missing = IfMissing::make,
    std::chrono::milliseconds busy_timeout = std::chrono::seconds(10))
{
    return open_sqlite_store(file, master_key(), {.if_missing = if_missing, .busy_timeout = busy_timeout});
}

inline void add(auth::Store& store, std::string_view user, std::int64_t id)
{
    auth::transact(store, [&](auth::Transaction& transaction) {
        if (!transaction.add_account(new_account(user, id))) throw std::runtime_error("the name is taken");
    });
}

/// What the StoreError says that `action` throws; `none` when it throws none.
inline std::string refusal(const std::function<void()>& action)
{
    try {
        action();
        return "none";
    } catch (const auth::StoreError& error) {
        return error.what();
    }
}

/// A pipe, closed with its owner.
class Pipe {
  public:
    Pipe()
    {
        if (::pipe(ends_.data()) != 0) throw std::runtime_error("pipe");
    }
    ~Pipe()
    {
        ::close(ends_[0]);
        close_write();
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    void write(std::string_view text) const
    {
        if (::write(ends_[1], text.data(), text.size()) < 0) throw std::runtime_error("write");
    }
    /// Up to `size` octets; blocks until there are some.  Empty at the end.
    [[nodiscard]] std::string read(std::size_t size) const
    {
        std::string text(size, '\0');
        const auto got = ::read(ends_[0], text.data(), size);
        text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return text;
    }
    [[nodiscard]] std::string read_all() const
    {
        std::string all;
        for (auto part = read(4096); !part.empty(); part = read(4096)) all += part;
        return all;
    }
    void close_write()
    {
        if (ends_[1] >= 0) ::close(ends_[1]);
        ends_[1] = -1;
    }

  private:
    std::array<int, 2> ends_{};
};

/// A child that runs `action` and ends; killed, if it still runs, with its owner.
/// REQUIRES: this process has no other threads.
class OtherProcess {
  public:
    explicit OtherProcess(const std::function<void()>& action) : process_(::fork())
    {
        if (process_ < 0) throw std::runtime_error("fork");
        if (process_ > 0) return;
        int status = 1;
        try {
            action();
            status = 0;
        } catch (...) {
            status = 2;
        }
        ::_exit(status);
    }
    ~OtherProcess() { kill(); }
    OtherProcess(const OtherProcess&) = delete;
    OtherProcess& operator=(const OtherProcess&) = delete;

    [[nodiscard]] pid_t id() const noexcept { return process_; }
    void kill()
    {
        if (process_ > 0) ::kill(process_, SIGKILL);
        (void)wait();
    }
    /// True when `action` returned.
    bool wait()
    {
        if (process_ <= 0) return false;
        int status = 0;
        ::waitpid(process_, &status, 0);
        process_ = -1;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }

  private:
    pid_t process_;
};

}  // namespace securelogin::store
