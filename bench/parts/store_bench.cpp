// store_bench.cpp: the two durable transactions of a login, admit and decide, of as many logins at once as
// the argument says: group commit shares the disk's wait among those.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/support/population.hpp"
#include "server/auth/authenticator.hpp"
#include "server/store/sqlite_store.hpp"

namespace securelogin::bench {
namespace {

constexpr UserNumber kUsers = 1000;

/// A time step passes when it is told to: a code works once.
class SteppedClock final : public auth::Clock {
  public:
    [[nodiscard]] auth::Time now() const noexcept override
    {
        return auth::Time(step() * std::chrono::seconds(30));
    }
    [[nodiscard]] auth::TimeStep step() const noexcept { return step_.load(); }
    void advance() noexcept { ++step_; }

  private:
    std::atomic<auth::TimeStep> step_ = 59'000'000;
};

class TemporaryDirectory {
  public:
    TemporaryDirectory()
    {
        auto pattern = (std::filesystem::current_path() / "bench_parts.XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("making the directory " + pattern);
        path_ = pattern;
    }
    ~TemporaryDirectory()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  private:
    std::filesystem::path path_;
};

class Door {
  public:
    Door()
        : master_(Secret(auth::MasterKey::kSize)),
          store_(store::open_sqlite_store(directory_.path() / "securelogin.db", master_,
                                          {.if_missing = store::SqliteOptions::IfMissing::make})),
          authenticator_({}, master_, clock_, random_)
    {
        const auto phc = auth::made_up_hash({}, random_);
        auth::transact(*store_, [&](auth::Transaction& transaction) {
            for (UserNumber user = 0; user < kUsers; ++user) enrol(transaction, user, phc);
        });
        for (UserNumber user = 0; user < kUsers; ++user) {
            claims_.push_back(authenticator_.claim(name_of(user), auth::Source::from_address("192.0.2.7")));
        }
    }

    /// The next `count` users, all at once.
    void log_in(UserNumber count)
    {
        std::latch admitted(count);
        for_next(count, [&](UserNumber user) {
            store_->submit(
                [this, user](auth::Transaction& transaction) {
                    require(authenticator_
                                .admit(transaction, claims_[user], [](const auth::Asker&) { return true; })
                                .granted());
                },
                [&admitted](const std::exception_ptr& error) { count_down(admitted, error); });
        });
        admitted.wait();

        std::latch decided(count);
        for_next(count, [&](UserNumber user) {
            store_->submit(
                [this, user, code = code_of(user, clock_.step())](auth::Transaction& transaction) {
                    const auth::PasswordCheck check{.matches = true, .user = auth::UserId{user + 1}};
                    require(
                        authenticator_.decide(transaction, claims_[user], check, code).granted.has_value());
                },
                [&decided](const std::exception_ptr& error) { count_down(decided, error); });
        });
        decided.wait();
        next_ += count;
        if (next_ + count > kUsers) start_again();
    }

  private:
    static void enrol(auth::Transaction& transaction, UserNumber user, const Secret& phc)
    {
        const auth::NewAccount account{.id = auth::UserId{user + 1},
                                       .name = auth::UserName::parse(name_of(user)).value(),
                                       .phc = phc.clone(),
                                       .totp_secret = totp_secret_of(user),
                                       .totp = {},
                                       .created_at = {}};
        require(transaction.add_account(account));
    }

    static void require(bool held)
    {
        if (!held) throw std::runtime_error("a login that must succeed did not");
    }

    static void count_down(std::latch& latch, const std::exception_ptr& error)
    {
        if (error) std::terminate();  // a benchmark of failures is none
        latch.count_down();
    }

    template <typename Visit>
    void for_next(UserNumber count, Visit visit)
    {
        for (UserNumber user = next_; user < next_ + count; ++user) visit(user);
    }

    void start_again()
    {
        next_ = 0;
        clock_.advance();
    }

    TemporaryDirectory directory_;
    SteppedClock clock_;
    auth::SystemRandom random_;
    auth::MasterKey master_;
    std::unique_ptr<auth::Store> store_;
    auth::Authenticator authenticator_;
    std::vector<auth::Claim> claims_;
    UserNumber next_ = 0;
};

void AdmitAndDecide(benchmark::State& state)
{
    Door door;
    const auto logins = static_cast<UserNumber>(state.range(0));
    for ([[maybe_unused]] const auto _ : state) door.log_in(logins);
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(AdmitAndDecide)->ArgName("at_once")->Arg(1)->Arg(10)->Arg(100)->UseRealTime();

}  // namespace
}  // namespace securelogin::bench
