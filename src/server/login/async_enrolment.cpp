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
    return {.result = Result::refused, .reason = std::string(auth::to_string(*refusal))};
}

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
    Secret typed;  // what is being judged
    std::optional<auth::UserName> name = {};
    std::optional<auth::Enrolment> enrolment = {};
    std::vector<Secret> recovery_codes = {};

    [[nodiscard]] EnrolmentStep judge_and_hash();
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
    if (is_present_password(*parts->authenticator, parts->readers, *name, chosen)) {
        return {.result = Result::refused, .reason = kSamePassword};
    }
    enrolment->phc = auth::hash_password(*prepared, parts->enrolments->policy().hash);
    return {.result = Result::done};
} catch (const std::exception& error) {
    return not_judged_now(kRetryWhenBroken, error.what());
}

EnrolmentUnderWay::EnrolmentUnderWay(const AsyncEnrolments& enrolments, auth::Guest guest)
    : state_(std::make_shared<State>(enrolments.parts_, std::move(guest)))
{
}

asio::awaitable<EnrolmentStep> EnrolmentUnderWay::begin(Secret invitation)
{
    state_->typed = std::move(invitation);
    return await_callback<EnrolmentStep>([state = state_](const Resume<EnrolmentStep>& resume) {
        state->in_transaction(resume, [state](auth::Transaction& transaction) -> EnrolmentStep {
            auto begun = state->parts->enrolments->begin(transaction, state->typed.view(), state->guest);
            state->name = std::move(begun.name);
            if (begun.wait) return not_judged_now(*begun.wait, "throttled");
            state->enrolment = std::move(begun.enrolment);
            return step_of(begun.refusal);
        });
    });
}

asio::awaitable<EnrolmentStep> EnrolmentUnderWay::choose_password(Secret typed)
{
    state_->typed = std::move(typed);
    return await_callback<EnrolmentStep>([state = state_](const Resume<EnrolmentStep>& resume) {
        // Whoever has an invitation is no stranger.
        auto reserved = state->parts->pool.reserve(
            {.standing = auth::Standing::known_source, .source = state->guest.source.bucket()});
        if (!reserved) return resume(nullptr, not_judged_now(kRetryWhenBusy, "overloaded"));
        const auto place = std::make_shared<auth::HashPool::Place>(std::move(*reserved));
        place->submit(
            {.run = [state, resume, place] { resume(nullptr, state->judge_and_hash()); },
             .displaced = [resume] { resume(nullptr, not_judged_now(kRetryWhenBusy, "overloaded")); }});
    });
}

Secret EnrolmentUnderWay::uri() const { return state_->parts->enrolments->uri(*state_->enrolment); }

asio::awaitable<EnrolmentStep> EnrolmentUnderWay::prove(Secret code)
{
    state_->typed = std::move(code);
    return await_callback<EnrolmentStep>([state = state_](const Resume<EnrolmentStep>& resume) {
        state->in_transaction(resume, [state](auth::Transaction& transaction) {
            auto finished = state->parts->enrolments->finish(transaction, *state->enrolment,
                                                             state->typed.view(), state->guest);
            state->recovery_codes = std::move(finished.recovery_codes);
            return step_of(finished.refusal);
        });
    });
}

const auth::Guest& EnrolmentUnderWay::guest() const noexcept { return state_->guest; }

const std::optional<auth::UserName>& EnrolmentUnderWay::name() const noexcept { return state_->name; }

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
