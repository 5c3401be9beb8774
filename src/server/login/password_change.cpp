#include <exception>
#include <utility>

#include "server/auth/password_policy.hpp"
#include "server/login/authenticator_parts.hpp"
#include "server/login/await_callback.hpp"

namespace securelogin::login {
namespace asio = boost::asio;
namespace {

constexpr const char* kSamePassword = "It is the one that you have: use another.";

/// One that is under way; lives until its last step has ended.
struct Change : std::enable_shared_from_this<Change> {
    using Result = PasswordChange::Result;

    std::shared_ptr<const AsyncAuthenticator::Parts> parts;
    auth::UserName name;
    auth::Session session;
    std::optional<auth::DeviceFingerprint> device;
    Secret typed;
    Resume<PasswordChange> resume;
    std::optional<auth::HashPool::Place> place = {};

    Change(std::shared_ptr<const AsyncAuthenticator::Parts> shared, auth::UserName whose,
           const auth::Session& own, const std::optional<auth::DeviceFingerprint>& from, Secret password)
        : parts(std::move(shared)),
          name(std::move(whose)),
          session(own),
          device(from),
          typed(std::move(password))
    {
    }

    void end(Result result, std::string reason = {}) const
    {
        resume(nullptr, {.result = result, .reason = std::move(reason)});
    }
    void begin();
    void judge_and_hash();
    [[nodiscard]] bool is_the_old_one() const;
    void store(Secret phc);
};

void Change::begin()
{
    place = parts->pool.reserve({.standing = auth::Standing::known_source, .source = session.source});
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
    if (is_the_old_one()) return end(Result::refused, kSamePassword);
    store(auth::hash_password(*prepared, parts->authenticator->policy().hash));
} catch (const std::exception& error) {
    end(Result::try_later, error.what());
}

bool Change::is_the_old_one() const
{
    const auto claim = parts->authenticator->claim(name.str(), auth::Source::from_address("local"));
    return parts->readers.with([&](auth::Reader& reader) {
        return parts->authenticator->check_password(reader, claim, typed).matches;
    });
}

void Change::store(Secret phc)
{
    const auto hash = std::make_shared<const Secret>(std::move(phc));
    const auto changed = std::make_shared<bool>(false);
    parts->store.submit(
        [change = shared_from_this(), hash, changed](auth::Transaction& transaction) {
            *changed = change->parts->authenticator->change_password(transaction, change->name,
                                                                     change->session, *hash, change->device);
        },
        [change = shared_from_this(), changed](const std::exception_ptr& error) {
            if (error) return change->end(Result::try_later, why(error));
            change->end(*changed ? Result::done : Result::session_ended);
        });
}

}  // namespace

asio::awaitable<PasswordChange> AsyncAuthenticator::change_password(
    const auth::UserName& name, const auth::Session& session,
    const std::optional<auth::DeviceFingerprint>& device, Secret typed) const
{
    const auto change = std::make_shared<Change>(parts_, name, session, device, std::move(typed));
    return await_callback<PasswordChange>([change](const Resume<PasswordChange>& resume) {
        change->resume = resume;
        change->begin();
    });
}

}  // namespace securelogin::login
