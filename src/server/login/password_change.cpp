#include <exception>
#include <utility>

#include "server/auth/password_policy.hpp"
#include "server/login/authenticator_parts.hpp"
#include "server/login/await_callback.hpp"
#include "server/login/present_password.hpp"
#include "server/login/retry.hpp"

namespace securelogin::login {
namespace asio = boost::asio;
namespace {

using NewToken = AsyncAuthenticator::NewToken;
using Proof = AsyncAuthenticator::Proof;

/// What is asked for.
struct Wish {
    auth::UserName name;
    auth::Session session;
    std::optional<auth::DeviceFingerprint> device;
    Secret typed;
    NewToken new_token;
    Proof proof;
};

/// One that is under way; lives until its last step has ended.
struct Change : std::enable_shared_from_this<Change> {
    using Result = PasswordChange::Result;

    std::shared_ptr<const AsyncAuthenticator::Parts> parts;
    Wish wish;
    Resume<PasswordChange> resume;  // where it is lost, so is who waits for it: nothing of theirs owns this
    std::optional<auth::HashPool::Place> place = {};
    std::optional<auth::Claim> charged = {};  // that is to be given back

    Change(std::shared_ptr<const AsyncAuthenticator::Parts> shared, Wish what, Resume<PasswordChange> then)
        : parts(std::move(shared)), wish(std::move(what)), resume(std::move(then))
    {
    }

    void end(Result result, std::string reason = {}, std::chrono::seconds retry_after = kRetryWhenBusy) const
    {
        resume(nullptr, {.result = result, .reason = std::move(reason), .retry_after = retry_after});
    }
    [[nodiscard]] auth::Source source() const { return auth::Source::from_address(wish.session.source); }
    [[nodiscard]] PasswordChange change_in(auth::Transaction& transaction, const Secret& phc) const;
    void begin();
    void begin_charged();
    [[nodiscard]] auth::Admission admit(auth::Transaction& transaction);
    void give_back() const;
    void hash_when_it_is_its_turn();
    void judge_and_hash();
    void store(Secret phc);
};

void Change::begin()
{
    if (wish.proof == Proof::of_login) return begin_charged();
    place = parts->pool.reserve({.standing = auth::Standing::known_source, .source = source().network()});
    if (!place) return end(Result::try_later, "overloaded");
    hash_when_it_is_its_turn();
}

void Change::begin_charged()
{
    const auto admission = std::make_shared<auth::Admission>();
    parts->store.submit_unsynced(
        [change = shared_from_this(), admission](auth::Transaction& transaction) {
            *admission = change->admit(transaction);
        },
        [change = shared_from_this(), admission](const std::exception_ptr& error) {
            if (error) return change->end(Result::try_later, why(error), kRetryWhenBroken);
            if (admission->wait) return change->end(Result::try_later, "throttled", *admission->wait);
            if (admission->overloaded) return change->end(Result::try_later, "overloaded");
            change->hash_when_it_is_its_turn();
        });
}

auth::Admission Change::admit(auth::Transaction& transaction)
{
    charged = parts->authenticator->claim(wish.name.str(), source(), wish.device);
    const auto reserve = [&](const auth::Asker& asker) {
        place = parts->pool.reserve(asker);
        return place.has_value();
    };
    return parts->authenticator->admit(transaction, *charged, reserve);
}

/// Nothing of it was an answer to a guess.
void Change::give_back() const
{
    if (!charged) return;
    parts->store.submit_unsynced(
        [shared = parts, who = *charged](auth::Transaction& transaction) {
            shared->authenticator->withdraw(transaction, who);
        },
        [](const std::exception_ptr&) {});
}

void Change::hash_when_it_is_its_turn()
{
    place->submit({.run = [change = shared_from_this()] { change->judge_and_hash(); },
                   .displaced =
                       [change = shared_from_this()] {
                           change->give_back();
                           change->end(Result::try_later, "overloaded");
                       }});
}

/// On a hash thread.
void Change::judge_and_hash()
try {
    const auto prepared = auth::prepare_password(wish.typed.view());
    const auto refusal = prepared ? parts->rules.why_refused(*prepared, wish.name) : "it is too long";
    if (refusal) {
        give_back();
        return end(Result::refused, *refusal);
    }
    if (is_present_password(*parts->authenticator, parts->readers, wish.name, wish.typed))
        return end(Result::refused, kSamePassword);
    store(auth::hash_password(*prepared, parts->authenticator->policy().hash));
} catch (const std::exception& error) {
    end(Result::try_later, error.what(), kRetryWhenBroken);
}

PasswordChange Change::change_in(auth::Transaction& transaction, const Secret& phc) const
{
    const auto& authenticator = *parts->authenticator;
    const auto& [name, session, device, typed, new_token, proof] = wish;
    if (proof == Proof::of_login) {
        // Another request may have changed it since this one was compared: this was a guess, and stays one.
        const auto account = authenticator.holder_of(transaction, name, session);
        if (!account || !account->must_change) return {.result = Result::session_ended};
    }
    if (!authenticator.change_password(transaction, name, session, phc, device)) {
        return {.result = Result::session_ended};
    }
    if (charged) authenticator.withdraw(transaction, *charged);
    if (new_token == NewToken::none) return {.result = Result::done};
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
            if (error) return change->end(Result::try_later, why(error), kRetryWhenBroken);
            change->resume(nullptr, std::move(*changed));
        });
}

}  // namespace

asio::awaitable<PasswordChange> AsyncAuthenticator::change_password(
    const auth::UserName& name, const auth::Session& session,
    const std::optional<auth::DeviceFingerprint>& device, Secret typed, NewToken new_token, Proof proof) const
{
    // Shared, for what holds it is copied.
    const auto wish = std::make_shared<Wish>(Wish{.name = name,
                                                  .session = session,
                                                  .device = device,
                                                  .typed = std::move(typed),
                                                  .new_token = new_token,
                                                  .proof = proof});
    return await_callback<PasswordChange>([parts = parts_, wish](const Resume<PasswordChange>& resume) {
        std::make_shared<Change>(parts, std::move(*wish), resume)->begin();
    });
}

}  // namespace securelogin::login
