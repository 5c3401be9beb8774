#include "server/login/async_enrolment.hpp"

#include <exception>
#include <utility>

#include "server/auth/password_policy.hpp"
#include "server/login/await_callback.hpp"
#include "server/login/present_password.hpp"
#include "server/login/retry.hpp"

namespace securelogin::login {
namespace asio = boost::asio;
namespace {

using Result = EnrolmentStep::Result;

EnrolmentStep not_judged_now(std::chrono::seconds retry_after, std::string reason)
{
    return {.result = Result::not_judged, .reason = std::move(reason), .retry_after = retry_after};
}

EnrolmentStep step_of(const std::optional<auth::EnrolmentRefusal>& refusal)
{
    if (!refusal) return {.result = Result::done};
    return {.result = Result::refused, .reason = std::string(auth::to_string(*refusal)), .refusal = refusal};
}

/// A holder's new key.
struct Replacement {
    auth::UserName name;
    auth::Session session;
    auth::NewKey key;
};

}  // namespace

struct AsyncEnrolments::Parts {
    std::shared_ptr<const auth::Enrolments> enrolments;
    std::shared_ptr<const auth::Authenticator> authenticator;
    auth::HashPool& pool;
    auth::Store& store;
    Readers& readers;
    auth::PasswordRules rules;
};

/// Lives until the last step that is under way has ended.  One step at a time touches it.
struct EnrolmentUnderWay::State {
    State(std::shared_ptr<const AsyncEnrolments::Parts> shared, auth::Guest who)
        : parts(std::move(shared)), guest(std::move(who))
    {
    }

    std::shared_ptr<const AsyncEnrolments::Parts> parts;
    auth::Guest guest;
    std::string_view event = "enrol";
    Secret typed;  // what is being judged
    std::optional<auth::UserName> name = {};
    std::optional<auth::UserName> known_name = {};
    // One of these is under way, or neither yet.
    std::optional<auth::Enrolment> enrolment = {};
    std::optional<Replacement> replacement = {};
    int wrong_codes = 0;
    std::vector<Secret> recovery_codes = {};
    std::shared_ptr<const Secret> token = {};

    [[nodiscard]] bool open() const { return enrolment && !enrolment->invitation; }
    [[nodiscard]] EnrolmentStep begun(auth::Enrolments::Begun begin);
    [[nodiscard]] EnrolmentStep judge_and_hash();
    [[nodiscard]] EnrolmentStep judge_code(auth::Transaction& transaction);
    [[nodiscard]] EnrolmentStep finish(auth::Transaction& transaction);
    [[nodiscard]] EnrolmentStep replace(auth::Transaction& transaction);
    template <typename Work>
    void in_transaction(const Resume<EnrolmentStep>& resume, const Work& work);
};

/// What `work` answers, once it is on disk.
template <typename Work>
void EnrolmentUnderWay::State::in_transaction(const Resume<EnrolmentStep>& resume, const Work& work)
{
    const auto answered = std::make_shared<EnrolmentStep>();
    parts->store.submit([work, answered](auth::Transaction& transaction) { *answered = work(transaction); },
                        [answered, resume](const std::exception_ptr& error) {
                            if (error) return resume(nullptr, not_judged_now(kRetryWhenBroken, why(error)));
                            resume(nullptr, std::move(*answered));
                        });
}

/// On a hash thread.
EnrolmentStep EnrolmentUnderWay::State::judge_and_hash()
try {
    const auto chosen = std::move(typed);
    const auto prepared = auth::prepare_password(chosen.view());
    const auto refusal = prepared ? parts->rules.why_refused(*prepared, *name) : "it is too long";
    if (refusal) return {.result = Result::refused, .reason = *refusal};
    // Who has no invitation is not told whether it is somebody else's, who has come to the name meanwhile.
    if (!open() && is_present_password(*parts->authenticator, parts->readers, *name, chosen)) {
        return {.result = Result::refused, .reason = kSamePassword};
    }
    enrolment->phc = auth::hash_password(*prepared, parts->enrolments->policy().hash);
    return {.result = Result::done};
} catch (const std::exception& error) {
    return not_judged_now(kRetryWhenBroken, error.what());
}

EnrolmentStep EnrolmentUnderWay::State::begun(auth::Enrolments::Begun begin)
{
    if (begin.wait) return not_judged_now(*begin.wait, "throttled");
    known_name = begin.name;
    name = begin.enrolment ? begin.enrolment->name : known_name;
    enrolment = std::move(begin.enrolment);
    return step_of(begin.refusal);
}

/// Here and not with whoever asks: each wrong code is a record for ever.
EnrolmentStep EnrolmentUnderWay::State::judge_code(auth::Transaction& transaction)
{
    const bool over = !replacement && !enrolment;
    if (over || wrong_codes >= kMostWrongCodes) return step_of(auth::EnrolmentRefusal::over);
    const auto step = replacement ? replace(transaction) : finish(transaction);
    if (step.refusal == auth::EnrolmentRefusal::wrong_code) ++wrong_codes;
    return step;
}

EnrolmentStep EnrolmentUnderWay::State::finish(auth::Transaction& transaction)
{
    auto finished = parts->enrolments->finish(transaction, enrolment.value(), typed.view(), guest);
    if (finished.wait) return not_judged_now(*finished.wait, "throttled");
    recovery_codes = std::move(finished.recovery_codes);
    return step_of(finished.refusal);
}

EnrolmentStep EnrolmentUnderWay::State::replace(auth::Transaction& transaction)
{
    using Replaced = auth::KeyReplacement::Result;
    const auto& [whose, session, key] = *replacement;
    auto replaced =
        parts->authenticator->finish_key(transaction, whose, session, key, typed.view(), guest.device);
    if (replaced.token) token = std::make_shared<const Secret>(*std::move(replaced.token));
    switch (replaced.result) {
        case Replaced::done:
            replacement.reset();  // once more, and the step that it has spent would be good again
            return step_of({});
        case Replaced::wrong_code:
            return step_of(auth::EnrolmentRefusal::wrong_code);
        case Replaced::session_ended:
            break;
    }
    return step_of(auth::EnrolmentRefusal::session_ended);
}

EnrolmentUnderWay::EnrolmentUnderWay(const AsyncEnrolments& enrolments, auth::Guest guest)
    : state_(std::make_shared<State>(enrolments.parts_, std::move(guest)))
{
}

asio::awaitable<EnrolmentStep> EnrolmentUnderWay::begin(Secret invitation)
{
    state_->typed = std::move(invitation);
    return await_callback<EnrolmentStep>([state = state_](const Resume<EnrolmentStep>& resume) {
        state->in_transaction(resume, [state](auth::Transaction& transaction) {
            return state->begun(
                state->parts->enrolments->begin(transaction, state->typed.view(), state->guest));
        });
    });
}

asio::awaitable<EnrolmentStep> EnrolmentUnderWay::begin_open(std::string_view typed_name)
{
    state_->event = "enrol.open";
    state_->typed = Secret::copy_of(typed_name);  // it may be a password
    return await_callback<EnrolmentStep>([state = state_](const Resume<EnrolmentStep>& resume) {
        state->in_transaction(resume, [state](auth::Transaction& transaction) {
            return state->begun(
                state->parts->enrolments->begin_open(transaction, state->typed.view(), state->guest));
        });
    });
}

asio::awaitable<EnrolmentStep> EnrolmentUnderWay::begin_replacement(const auth::UserName& name,
                                                                    const auth::Session& session)
{
    state_->event = "totp.replace";
    state_->name = name;
    state_->known_name = name;
    return await_callback<EnrolmentStep>([state = state_, session](const Resume<EnrolmentStep>& resume) {
        state->in_transaction(resume, [state, session](auth::Transaction& transaction) {
            auto key = state->parts->authenticator->begin_key(transaction, *state->name, session);
            if (!key) return step_of(auth::EnrolmentRefusal::session_ended);
            state->replacement = Replacement{*state->name, session, *std::move(key)};
            return step_of({});
        });
    });
}

asio::awaitable<EnrolmentStep> EnrolmentUnderWay::choose_password(Secret typed)
{
    state_->typed = std::move(typed);
    return await_callback<EnrolmentStep>([state = state_](const Resume<EnrolmentStep>& resume) {
        // Whoever has an invitation is no stranger.
        const auto standing = state->open() ? auth::Standing::stranger : auth::Standing::known_source;
        auto reserved =
            state->parts->pool.reserve({.standing = standing, .source = state->guest.source.network()});
        if (!reserved) return resume(nullptr, not_judged_now(kRetryWhenBusy, "overloaded"));
        const auto place = std::make_shared<auth::HashPool::Place>(std::move(*reserved));
        place->submit(
            {.run = [state, resume, place] { resume(nullptr, state->judge_and_hash()); },
             .displaced = [resume] { resume(nullptr, not_judged_now(kRetryWhenBusy, "overloaded")); }});
    });
}

Secret EnrolmentUnderWay::uri() const
{
    const auto& enrolments = *state_->parts->enrolments;
    const auto& replacement = state_->replacement;
    return replacement ? enrolments.uri(replacement->name, replacement->key)
                       : enrolments.uri(state_->enrolment.value());
}

asio::awaitable<EnrolmentStep> EnrolmentUnderWay::prove(Secret code)
{
    state_->typed = std::move(code);
    return await_callback<EnrolmentStep>([state = state_](const Resume<EnrolmentStep>& resume) {
        const Resume<EnrolmentStep> judged = [state, resume](const std::exception_ptr& error,
                                                             EnrolmentStep step) {
            const bool taken = step.refusal == auth::EnrolmentRefusal::name_taken;
            if (taken || step.result == Result::done) state->known_name = state->name;
            resume(error, std::move(step));
        };
        state->in_transaction(
            judged, [state](auth::Transaction& transaction) { return state->judge_code(transaction); });
    });
}

const auth::Guest& EnrolmentUnderWay::guest() const noexcept { return state_->guest; }

const std::optional<auth::UserName>& EnrolmentUnderWay::name() const noexcept { return state_->name; }

const std::optional<auth::UserName>& EnrolmentUnderWay::known_name() const noexcept
{
    return state_->known_name;
}

std::string_view EnrolmentUnderWay::event() const noexcept { return state_->event; }

bool EnrolmentUnderWay::is_open() const noexcept { return state_->open(); }

std::shared_ptr<const Secret> EnrolmentUnderWay::token() const noexcept { return state_->token; }

const std::vector<Secret>& EnrolmentUnderWay::recovery_codes() const noexcept
{
    return state_->recovery_codes;
}

AsyncEnrolments::AsyncEnrolments(std::shared_ptr<const auth::Enrolments> enrolments,
                                 std::shared_ptr<const auth::Authenticator> authenticator,
                                 auth::HashPool& pool, auth::Store& store, Readers& readers,
                                 auth::PasswordRules rules)
    : parts_(std::make_shared<const Parts>(
          Parts{std::move(enrolments), std::move(authenticator), pool, store, readers, std::move(rules)}))
{
}

}  // namespace securelogin::login
