#include "server/login/async_authenticator.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <functional>
#include <mutex>
#include <utility>

#include "common/result_token.hpp"
#include "server/auth/password_policy.hpp"
#include "server/login/await_callback.hpp"

namespace securelogin::login {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::seconds kRetryWhenBusy{2};
constexpr std::chrono::seconds kRetryWhenBroken{5};

Outcome not_judged(std::chrono::seconds retry_after, std::string reason)
{
    return {.verdict = {}, .retry_after = retry_after, .why_not_judged = std::move(reason)};
}

}  // namespace

struct AsyncAuthenticator::Parts {
    std::shared_ptr<const auth::Authenticator> authenticator;
    auth::HashPool& pool;
    auth::Store& store;
    Readers& readers;
    auth::PasswordRules rules;
    Metrics* metrics;
};

namespace {

using SteadyClock = std::chrono::steady_clock;

/// How long a hash has waited, when made, and how long it took, when destroyed.
class HashTimer {
  public:
    HashTimer(Metrics* metrics, SteadyClock::time_point queued) : metrics_(metrics)
    {
        if (metrics_ != nullptr) metrics_->hash_wait.add(begun_ - queued);
    }
    ~HashTimer()
    {
        if (metrics_ != nullptr) metrics_->hash_time.add(SteadyClock::now() - begun_);
    }
    HashTimer(const HashTimer&) = delete;
    HashTimer& operator=(const HashTimer&) = delete;

  private:
    Metrics* metrics_;
    SteadyClock::time_point begun_ = SteadyClock::now();
};

}  // namespace

/// Lives until the last step that is under way has ended.
struct Attempt::State {
    State(std::shared_ptr<const AsyncAuthenticator::Parts> shared, auth::Claim who)
        : parts(std::move(shared)), claim(std::move(who))
    {
    }

    std::shared_ptr<const AsyncAuthenticator::Parts> parts;
    auth::Claim claim;
    std::optional<auth::HashPool::Place> place;  // its end drops a hash that has not started
    std::optional<Outcome> unjudged;             // set when it was not admitted

    // The hash thread and the conversation meet here.
    std::mutex mutex;
    std::optional<auth::PasswordCheck> check;  // guarded until set
    std::exception_ptr failure;                // guarded until set
    bool displaced = false;                    // guarded until set: somebody with a better claim has the hash
    std::function<void()> when_checked;        // guarded
    SteadyClock::time_point queued_at;         // set before the hash thread knows of it
    SteadyClock::time_point code_came_at;      // the conversation's
    Secret password;                           // kept for the renewal of an outdated hash, until the verdict

    void hash();
    void give_way();
    void withdraw() noexcept;
    template <typename Set>
    void finish(Set set);
    void after_check(std::function<void()> next);
};

/// On a hash thread.
void Attempt::State::hash()
try {
    const auto result = parts->readers.with([&](auth::Reader& reader) {
        const HashTimer timed(parts->metrics, queued_at);
        return parts->authenticator->check_password(reader, claim, password);
    });
    if (!result.outdated) password.clear();
    finish([&] { check = result; });
} catch (...) {
    finish([&] { failure = std::current_exception(); });
}

/// Without memory the charge stays: denied too much rather than too little.
void Attempt::State::withdraw() noexcept
try {
    parts->store.submit_unsynced(
        [shared = parts, who = claim](auth::Transaction& transaction) {
            shared->authenticator->withdraw(transaction, who);
        },
        [](const std::exception_ptr&) {});
} catch (const std::exception&) {
    return;
}

/// The hash is somebody else's now.  Nothing has been judged: nothing is charged.
void Attempt::State::give_way()
{
    withdraw();
    finish([&] { displaced = true; });
}

template <typename Set>
void Attempt::State::finish(Set set)
{
    std::function<void()> next;
    {
        const std::lock_guard lock(mutex);
        set();
        next = std::exchange(when_checked, nullptr);
    }
    if (next) next();
}

void Attempt::State::after_check(std::function<void()> next)
{
    {
        const std::lock_guard lock(mutex);
        if (!check && !failure && !displaced) {
            when_checked = std::move(next);
            return;
        }
    }
    next();
}

namespace {

using Parts = AsyncAuthenticator::Parts;
/// `resume`, and what became of the attempt is counted before.
Resume<Outcome> counting(const Parts& parts, bool confirms, const Resume<Outcome>& resume)
{
    auto* const metrics = parts.metrics;
    if (metrics == nullptr) return resume;
    const auto kind = confirms ? Metrics::Kind::confirm : Metrics::Kind::login;
    return [metrics, kind, resume](const std::exception_ptr& error, Outcome outcome) {
        metrics->count(kind, outcome);
        resume(error, std::move(outcome));
    };
}

/// A hash of `password` in the background, in the place of an outdated one; given up when the queue is full:
/// the next login renews it.
void renew_in_background(const std::shared_ptr<const Parts>& parts, const auth::Account& account,
                         std::int64_t epoch, Secret password)
{
    auto place = parts->pool.reserve({.standing = auth::Standing::stranger, .source = "renewal"});
    if (!place) return;
    // The job owns its place: nobody waits for it.
    struct Renewal {
        auth::HashPool::Place place;
        Secret password;
    };
    const auto renewal = std::make_shared<Renewal>(Renewal{std::move(*place), std::move(password)});
    renewal->place.submit([parts, account, epoch, renewal] {
        try {
            const auto prepared = auth::prepare_password(renewal->password.view());
            if (!prepared) return;
            const auto phc =
                std::make_shared<Secret>(auth::hash_password(*prepared, parts->authenticator->policy().hash));
            parts->store.submit(
                [parts, account, epoch, phc](auth::Transaction& transaction) {
                    parts->authenticator->renew_hash(transaction, account, epoch, *phc);
                },
                [](const std::exception_ptr&) {});
        } catch (const std::exception&) {
            return;  // the old hash stays, and is tried again at the next login
        }
    });
}

}  // namespace

namespace {

/// What `work` makes of a transaction of its own, once it is on disk.  Throws auth::StoreError.
template <typename Result, typename Work>
asio::awaitable<Result> transacted(const std::shared_ptr<const Parts>& parts, Work work)
{
    return await_callback<Result>([parts, work](const Resume<Result>& resume) {
        const auto result = std::make_shared<Result>();
        parts->store.submit(
            [parts, work, result](auth::Transaction& transaction) {
                *result = work(*parts->authenticator, transaction);
            },
            [result, resume](const std::exception_ptr& error) { resume(error, *result); });
    });
}

}  // namespace

void Attempt::start_hashing(Secret typed)
{
    if (state_->unjudged) return;
    state_->password = std::move(typed);
    const auto weak = std::weak_ptr(state_);
    state_->queued_at = SteadyClock::now();
    const auto call = [weak](void (State::*what)()) {
        if (const auto state = weak.lock()) (state.get()->*what)();
    };
    state_->place->submit(
        {.run = [call] { call(&State::hash); }, .displaced = [call] { call(&State::give_way); }});
}

asio::awaitable<Outcome> Attempt::decide(Secret code) { return conclude(std::move(code), std::nullopt); }

asio::awaitable<Outcome> Attempt::confirm(Secret code, const auth::Session& current)
{
    return conclude(std::move(code), current);
}

const auth::Claim& Attempt::claim() const noexcept { return state_->claim; }

asio::awaitable<void> Attempt::hold(const Outcome& outcome) const
{
    if (!outcome.verdict || outcome.verdict->granted) co_return;
    const auto code_came_at = state_->code_came_at;
    const auto steps = (SteadyClock::now() - code_came_at) / kRefusalStep + 1;
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer next_step(executor, code_came_at + steps * kRefusalStep);
    [[maybe_unused]] const auto waited = co_await next_step.async_wait(kResult);
}

asio::awaitable<Outcome> Attempt::conclude(Secret code, const std::optional<auth::Session>& current)
{
    state_->code_came_at = SteadyClock::now();
    auto shared_code = std::make_shared<Secret>(std::move(code));
    return await_callback<Outcome>([state = state_, shared_code, current](const Resume<Outcome>& caller) {
        const auto resume = counting(*state->parts, current.has_value(), caller);
        if (state->unjudged) return resume(nullptr, *state->unjudged);
        state->after_check([state, shared_code, current, resume] {
            if (state->displaced) return resume(nullptr, not_judged(kRetryWhenBusy, "overloaded"));
            if (state->failure) return resume(nullptr, not_judged(kRetryWhenBroken, why(state->failure)));
            const auto verdict = std::make_shared<auth::Verdict>();
            state->parts->store.submit(
                [state, shared_code, current, verdict](auth::Transaction& transaction) {
                    const auto& authenticator = *state->parts->authenticator;
                    *verdict = current ? authenticator.confirm(transaction, state->claim, *state->check,
                                                               shared_code->view(), *current)
                                       : authenticator.decide(transaction, state->claim, *state->check,
                                                              shared_code->view());
                },
                [state, verdict, resume](const std::exception_ptr& error) {
                    // What the transaction said counts only once it is on disk.
                    if (error) return resume(nullptr, not_judged(kRetryWhenBroken, why(error)));
                    if (verdict->granted && state->check->outdated) {
                        renew_in_background(state->parts, verdict->granted->account, state->check->epoch,
                                            std::move(state->password));
                    }
                    resume(nullptr, {.verdict = verdict});
                });
        });
    });
}

AsyncAuthenticator::AsyncAuthenticator(std::shared_ptr<const auth::Authenticator> authenticator,
                                       auth::HashPool& pool, auth::Store& store, Readers& readers,
                                       auth::PasswordRules rules, Metrics* metrics)
    : parts_(std::make_shared<const Parts>(
          Parts{std::move(authenticator), pool, store, readers, std::move(rules), metrics}))
{
}

asio::awaitable<Attempt> AsyncAuthenticator::admit(std::string_view typed_name, const auth::Source& source,
                                                   const std::optional<auth::DeviceFingerprint>& device) const
{
    auto claim = parts_->authenticator->claim(typed_name, source, device);
    const auto state = std::make_shared<Attempt::State>(parts_, std::move(claim));
    return await_callback<Attempt>([state](const Resume<Attempt>& resume) {
        const auto admission = std::make_shared<auth::Admission>();
        // Not synced: a charge promises nothing to the peer, and the verdict's commit puts it on disk.
        state->parts->store.submit_unsynced(
            [state, admission](auth::Transaction& transaction) {
                const auto& parts = *state->parts;
                // Without a place in the queue nothing is charged.
                const auto reserve = [&](const auth::Asker& asker) {
                    state->place = parts.pool.reserve(asker);
                    return state->place.has_value();
                };
                *admission = parts.authenticator->admit(transaction, state->claim, reserve);
            },
            [state, admission, resume](const std::exception_ptr& error) {
                if (error) {
                    state->unjudged = not_judged(kRetryWhenBroken, why(error));
                } else if (admission->wait) {
                    state->unjudged = not_judged(*admission->wait, "throttled");
                    state->unjudged->known_user = admission->known_user;
                } else if (admission->overloaded) {
                    state->unjudged = not_judged(kRetryWhenBusy, "overloaded");
                }
                if (state->unjudged) state->place.reset();
                resume(nullptr, Attempt(state));
            });
    });
}

asio::awaitable<bool> AsyncAuthenticator::still_live(const auth::Session& session) const
{
    return await_callback<bool>([parts = parts_, session](const Resume<bool>& resume) {
        const auto live = std::make_shared<bool>(false);
        parts->store.submit(
            [parts, session, live](auth::Transaction& transaction) {
                *live = parts->authenticator->still_live(transaction, session);
            },
            [live, resume](const std::exception_ptr& error) { resume(error, *live); });
    });
}

asio::awaitable<bool> AsyncAuthenticator::log_out(const auth::Session& session) const
{
    return await_callback<bool>([parts = parts_, session](const Resume<bool>& resume) {
        parts->store.submit(
            [parts, session](auth::Transaction& transaction) {
                parts->authenticator->log_out(transaction, session);
            },
            [resume](const std::exception_ptr& error) { resume(error, true); });
    });
}

asio::awaitable<std::optional<std::vector<auth::Session>>> AsyncAuthenticator::sessions(
    const auth::Session& own) const
{
    return transacted<std::optional<std::vector<auth::Session>>>(
        parts_, [own](const auth::Authenticator& authenticator, auth::Transaction& transaction) {
            return authenticator.sessions().list(transaction, own);
        });
}

asio::awaitable<std::optional<std::size_t>> AsyncAuthenticator::revoke(const auth::Session& own,
                                                                       std::string which) const
{
    return transacted<std::optional<std::size_t>>(
        parts_, [own, which = std::move(which)](const auth::Authenticator& authenticator,
                                                auth::Transaction& transaction) {
            return authenticator.sessions().revoke(transaction, own, which);
        });
}

asio::awaitable<std::shared_ptr<const Secret>> AsyncAuthenticator::issue_token(const auth::Session& own) const
{
    return transacted<std::shared_ptr<const Secret>>(
        parts_,
        [own](const auth::Authenticator& authenticator,
              auth::Transaction& transaction) -> std::shared_ptr<const Secret> {
            auto token = authenticator.issue_token(transaction, own);
            return token ? std::make_shared<const Secret>(*std::move(token)) : nullptr;
        });
}

asio::awaitable<RecoveryCodes> AsyncAuthenticator::replace_recovery_codes(const auth::UserName& name,
                                                                          const auth::Session& session) const
{
    return await_callback<RecoveryCodes>(
        [parts = parts_, name, session](const Resume<RecoveryCodes>& resume) {
            const auto made = std::make_shared<RecoveryCodes>();
            parts->store.submit(
                [parts, name, session, made](auth::Transaction& transaction) {
                    auto codes = parts->authenticator->replace_recovery_codes(transaction, name, session);
                    if (codes) *made = std::make_shared<const std::vector<Secret>>(*std::move(codes));
                },
                [made, resume](const std::exception_ptr& error) { resume(error, *made); });
        });
}

namespace {

constexpr const char* kSamePassword = "It is the one that you have: use another.";

/// On a hash thread.
bool is_the_password(const AsyncAuthenticator::Parts& parts, const auth::UserName& name, const Secret& typed)
{
    const auto claim = parts.authenticator->claim(name.str(), auth::Source::from_address("local"));
    return parts.readers.with([&](auth::Reader& reader) {
        return parts.authenticator->check_password(reader, claim, typed).matches;
    });
}

}  // namespace

asio::awaitable<PasswordChange> AsyncAuthenticator::change_password(
    const auth::UserName& name, const auth::Session& session,
    const std::optional<auth::DeviceFingerprint>& device, Secret typed) const
{
    using Result = PasswordChange::Result;
    auto password = std::make_shared<Secret>(std::move(typed));
    return await_callback<PasswordChange>([parts = parts_, name, session, device,
                                           password](const Resume<PasswordChange>& resume) {
        const auto try_later = [resume](std::string reason) {
            resume(nullptr, {.result = Result::try_later, .reason = std::move(reason)});
        };
        auto reserved =
            parts->pool.reserve({.standing = auth::Standing::known_source, .source = session.source});
        if (!reserved) return try_later("overloaded");
        const auto place = std::make_shared<auth::HashPool::Place>(std::move(*reserved));
        place->submit([parts, name, session, device, password, resume, try_later, place] {
            try {
                const auto prepared = auth::prepare_password(password->view());
                const auto refusal = prepared ? parts->rules.why_refused(*prepared, name) : "it is too long";
                if (refusal) return resume(nullptr, {.result = Result::refused, .reason = *refusal});
                if (is_the_password(*parts, name, *password)) {
                    return resume(nullptr, {.result = Result::refused, .reason = kSamePassword});
                }
                const auto phc = std::make_shared<Secret>(
                    auth::hash_password(*prepared, parts->authenticator->policy().hash));
                const auto changed = std::make_shared<bool>(false);
                parts->store.submit(
                    [parts, name, session, device, phc, changed](auth::Transaction& transaction) {
                        *changed =
                            parts->authenticator->change_password(transaction, name, session, *phc, device);
                    },
                    [changed, resume, try_later](const std::exception_ptr& error) {
                        if (error) return try_later(why(error));
                        resume(nullptr, {.result = *changed ? Result::done : Result::session_ended});
                    });
            } catch (const std::exception& e) {
                try_later(e.what());
            }
        });
    });
}

}  // namespace securelogin::login
