#include "server/login/async_authenticator.hpp"

#include <exception>
#include <utility>

#include "server/login/attempt_state.hpp"
#include "server/login/await_callback.hpp"
#include "server/login/retry.hpp"

namespace securelogin::login {
namespace asio = boost::asio;
namespace {

/// What `work` makes of a transaction of its own, once it is on disk.  Throws auth::StoreError.
template <typename Result, typename Work>
asio::awaitable<Result> transacted(const std::shared_ptr<const AsyncAuthenticator::Parts>& parts,
                                   const Work& work)
{
    return await_callback<Result>([parts, work](const Resume<Result>& resume) {
        const auto result = std::make_shared<Result>();
        parts->store.submit(
            [parts, work, result](auth::Transaction& transaction) {
                *result = work(*parts->authenticator, transaction);
            },
            [result, resume](std::exception_ptr error) { resume(std::move(error), *result); });
    });
}

}  // namespace

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
                if (!error) state->alarm = admission->alarm;
                resume(nullptr, Attempt(state));
            });
    });
}

asio::awaitable<bool> AsyncAuthenticator::still_live(const auth::Session& session) const
{
    return transacted<bool>(
        parts_, [session](const auth::Authenticator& authenticator, auth::Transaction& transaction) {
            return authenticator.still_live(transaction, session);
        });
}

asio::awaitable<bool> AsyncAuthenticator::log_out(const auth::Session& session) const
{
    return transacted<bool>(
        parts_, [session](const auth::Authenticator& authenticator, auth::Transaction& transaction) {
            authenticator.log_out(transaction, session);
            return true;
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

asio::awaitable<std::optional<std::vector<auth::Device>>> AsyncAuthenticator::devices(
    const auth::Session& own) const
{
    return transacted<std::optional<std::vector<auth::Device>>>(
        parts_, [own](const auth::Authenticator& authenticator, auth::Transaction& transaction) {
            return authenticator.devices().list(transaction, own);
        });
}

asio::awaitable<std::optional<bool>> AsyncAuthenticator::forget_device(const auth::Session& own,
                                                                       std::string which) const
{
    return transacted<std::optional<bool>>(
        parts_, [own, which = std::move(which)](const auth::Authenticator& authenticator,
                                                auth::Transaction& transaction) {
            return authenticator.devices().forget(transaction, own, which);
        });
}

asio::awaitable<std::optional<HoldersAccount>> AsyncAuthenticator::account(const auth::UserName& name,
                                                                           const auth::Session& own) const
{
    return transacted<std::optional<HoldersAccount>>(
        parts_,
        [name, own](const auth::Authenticator& authenticator,
                    auth::Transaction& transaction) -> std::optional<HoldersAccount> {
            auto account = authenticator.holder_of(transaction, name, own);
            if (!account) return std::nullopt;
            const auto codes = transaction.count_recovery_codes(account->id);
            return HoldersAccount{.account = *std::move(account), .recovery_codes = codes};
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
    return transacted<RecoveryCodes>(
        parts_,
        [name, session](const auth::Authenticator& authenticator,
                        auth::Transaction& transaction) -> RecoveryCodes {
            auto codes = authenticator.replace_recovery_codes(transaction, name, session);
            return codes ? std::make_shared<const std::vector<Secret>>(*std::move(codes)) : nullptr;
        });
}

}  // namespace securelogin::login
