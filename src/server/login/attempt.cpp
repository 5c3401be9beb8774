#include "server/login/attempt.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <stdexcept>
#include <utility>

#include "common/result_token.hpp"
#include "server/auth/password_policy.hpp"
#include "server/login/attempt_state.hpp"
#include "server/login/await_callback.hpp"
#include "server/login/retry.hpp"

namespace securelogin::login {
namespace asio = boost::asio;
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
/// `resume`, and what became of the attempt is counted before, and told what its admission has raised.
Resume<Outcome> concluding(const Parts& parts, const std::optional<auth::Alarm>& alarm, Attempt::Kind kind,
                           const Resume<Outcome>& resume)
{
    const auto counted = kind == Attempt::Kind::login ? Metrics::Kind::login : Metrics::Kind::confirm;
    return
        [metrics = parts.metrics, alarm, counted, resume](const std::exception_ptr& error, Outcome outcome) {
            outcome.alarm = alarm;
            if (metrics != nullptr) metrics->count(counted, outcome);
            resume(error, std::move(outcome));
        };
}

/// What `judge` says of the attempt, once that is on disk.
template <typename Judge>
void submit_verdict(auth::Store& store, Judge judge, const Resume<Outcome>& resume)
{
    const auto verdict = std::make_shared<auth::Verdict>();
    store.submit([judge = std::move(judge),
                  verdict](auth::Transaction& transaction) { *verdict = judge(transaction); },
                 [verdict, resume](const std::exception_ptr& error) {
                     // What the transaction said counts only once it is on disk.
                     if (error) return resume(nullptr, not_judged(kRetryWhenBroken, why(error)));
                     resume(nullptr, {.verdict = verdict});
                 });
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

asio::awaitable<Outcome> Attempt::decide(Secret code)
{
    return conclude(std::move(code), Ending::session, std::nullopt);
}

asio::awaitable<Outcome> Attempt::decide_with_token(Secret code)
{
    return conclude(std::move(code), Ending::session_with_token, std::nullopt);
}

asio::awaitable<Outcome> Attempt::confirm(Secret code, const auth::Session& current)
{
    return conclude(std::move(code), Ending::confirmation, current);
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

/// In the writer's transaction.
auth::Verdict Attempt::State::judge(auth::Transaction& transaction, const Secret& code, Ending ending,
                                    const std::optional<auth::Session>& current) const
{
    const auto& authenticator = *parts->authenticator;
    switch (ending) {
        case Ending::session:
            return authenticator.decide(transaction, claim, *check, code.view());
        case Ending::session_with_token:
            return authenticator.decide_with_token(transaction, claim, *check, code.view());
        case Ending::confirmation:
            return authenticator.confirm(transaction, claim, *check, code.view(), current.value());
    }
    throw std::logic_error("an attempt without an ending");
}

asio::awaitable<Outcome> Attempt::conclude(Secret code, Ending ending,
                                           const std::optional<auth::Session>& current)
{
    state_->code_came_at = SteadyClock::now();
    auto shared_code = std::make_shared<Secret>(std::move(code));
    return await_callback<Outcome>([state = state_, shared_code, ending,
                                    current](const Resume<Outcome>& caller) {
        const auto kind = ending == Ending::confirmation ? Kind::confirmation : Kind::login;
        const auto resume = concluding(*state->parts, state->alarm, kind, caller);
        if (state->unjudged) return resume(nullptr, *state->unjudged);
        state->after_check([state, shared_code, ending, current, resume] {
            if (state->displaced) return resume(nullptr, not_judged(kRetryWhenBusy, "overloaded"));
            if (state->failure) return resume(nullptr, not_judged(kRetryWhenBroken, why(state->failure)));
            const auto renewing = [state, resume](const std::exception_ptr& error, const Outcome& outcome) {
                const bool granted = outcome.verdict && outcome.verdict->granted;
                if (granted && state->check->outdated) {
                    renew_in_background(state->parts, outcome.verdict->granted->account, state->check->epoch,
                                        std::move(state->password));
                }
                resume(error, outcome);
            };
            const auto judge = [state, shared_code, ending, current](auth::Transaction& transaction) {
                return state->judge(transaction, *shared_code, ending, current);
            };
            submit_verdict(state->parts->store, judge, renewing);
        });
    });
}

asio::awaitable<Outcome> Attempt::abandon(Kind kind)
{
    return await_callback<Outcome>([state = state_, kind](const Resume<Outcome>& caller) {
        const auto resume = concluding(*state->parts, state->alarm, kind, caller);
        if (state->unjudged) return resume(nullptr, *state->unjudged);
        state->place.reset();
        const auto judge = [state, kind](auth::Transaction& transaction) {
            const auto* const event = kind == Kind::login ? "login" : "confirm";
            return state->parts->authenticator->abandon(transaction, state->claim, event);
        };
        submit_verdict(state->parts->store, judge, resume);
    });
}

}  // namespace securelogin::login
