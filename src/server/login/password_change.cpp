#include <exception>
#include <utility>

#include "server/auth/password_policy.hpp"
#include "server/login/authenticator_parts.hpp"
#include "server/login/await_callback.hpp"
#include "server/login/present_password.hpp"

namespace securelogin::login {
namespace asio = boost::asio;
namespace {

/// One that is under way; lives until its last step has ended.
struct Change : std::enable_shared_from_this<Change> {
    using Result = PasswordChange::Result;

    std::shared_ptr<const AsyncAuthenticator::Parts> parts;
    auth::UserName name;
    auth::Session session;
    std::optional<auth::DeviceFingerprint> device;
    Secret typed;
    bool new_token;
    Resume<PasswordChange> resume;  // where it is lost, so is who waits for it: nothing of theirs owns this
    std::optional<auth::HashPool::Place> place = {};

    Change(std::shared_ptr<const AsyncAuthenticator::Parts> shared, auth::UserName whose,
           const auth::Session& own, const std::optional<auth::DeviceFingerprint>& from, Secret password,
           bool with_token, Resume<PasswordChange> then)
        : parts(std::move(shared)),
          name(std::move(whose)),
          session(own),
          device(from),
          typed(std::move(password)),
          new_token(with_token),
          resume(std::move(then))
    {
    }

    void end(Result result, std::string reason = {}) const
    {
        resume(nullptr, {.result = result, .reason = std::move(reason)});
    }
    [[nodiscard]] PasswordChange change_in(auth::Transaction& transaction, const Secret& phc) const;
    void begin();
    void judge_and_hash();
    void store(Secret phc);
};

void Change::begin()
{
    place = parts->pool.reserve({.standing = auth::Standing::known_source,
                                 .source = auth::Source::from_address(session.source).bucket()});
    if (!place) return end(Result::try_later, "overloaded");
    place->submit(
        {.run = [change = shared_from_this()] { change->judge_and_hash(); },
         .displaced = [change = shared_from_this()] { change->end(Result::try_later, "overloaded"); }});
}

/// On a hash thread.
void Change::judge_and_hash()
try {
    const auto prepared = auth::prepare_password(typed.view());
    const auto refusal = prepared ? parts->rules.why_refused(*prepared, name) : "it is too long";
    if (refusal) return end(Result::refused, *refusal);
    if (is_present_password(*parts->authenticator, parts->readers, name, typed))
        return end(Result::refused, kSamePassword);
    store(auth::hash_password(*prepared, parts->authenticator->policy().hash));
} catch (const std::exception& error) {
    end(Result::try_later, error.what());
}

PasswordChange Change::change_in(auth::Transaction& transaction, const Secret& phc) const
{
    const auto& authenticator = *parts->authenticator;
    if (!authenticator.change_password(transaction, name, session, phc, device)) {
        return {.result = Result::session_ended};
    }
    if (!new_token) return {.result = Result::done};
    auto token = authenticator.issue_token(transaction, session);
    if (!token) throw auth::StoreError("changing a password: the session is gone: nothing has been changed");
    return {.result = Result::done, .token = std::make_shared<const Secret>(*std::move(token))};
}

void Change::store(Secret phc)
{
    const auto hash = std::make_shared<const Secret>(std::move(phc));
    const auto changed = std::make_shared<PasswordChange>();
    parts->store.submit(
        [change = shared_from_this(), hash, changed](auth::Transaction& transaction) {
            *changed = change->change_in(transaction, *hash);
        },
        [change = shared_from_this(), changed](const std::exception_ptr& error) {
            if (error) return change->end(Result::try_later, why(error));
            change->resume(nullptr, std::move(*changed));
        });
}

}  // namespace

asio::awaitable<PasswordChange> AsyncAuthenticator::change_password(
    const auth::UserName& name, const auth::Session& session,
    const std::optional<auth::DeviceFingerprint>& device, Secret typed, NewToken new_token) const
{
    const auto password = std::make_shared<Secret>(std::move(typed));
    return await_callback<PasswordChange>(
        [parts = parts_, name, session, device, password,
         with_token = new_token == NewToken::issue](const Resume<PasswordChange>& resume) {
            std::make_shared<Change>(parts, name, session, device, std::move(*password), with_token, resume)
                ->begin();
        });
}

}  // namespace securelogin::login
