#include "client/trust.hpp"

#include <algorithm>

#include "client/failure.hpp"
#include "client/known_hosts.hpp"
#include "common/certificate.hpp"
#include "common/text.hpp"

namespace securelogin::client {
namespace {

constexpr int kMostTries = 3;

/// A file's name as a shell takes it.
std::string quoted(const std::string& text)
{
    std::string shell = "'";
    for (const char c : text) shell += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return printable(shell + '\'');
}

[[noreturn]] void refuse(const Destination& destination, const std::string& why)
{
    throw Failure(ExitCode::not_trusted, "checking who " + destination.host_and_port() + " is: " + why);
}

void require_pin(const Destination& destination, const std::string& offered, const std::string& wanted)
{
    if (offered == wanted) return;
    refuse(destination, "not the key that --fingerprint names; nothing was sent\n  offered: " + offered +
                            "\n  wanted:  " + wanted);
}

[[noreturn]] void refuse_changed(const Destination& destination, const std::string& offered,
                                 const KnownHost& known, const std::string& file)
{
    refuse(destination,
           "ITS KEY HAS CHANGED; nothing was sent\n"
           "  offered: " +
               offered +
               "\n"
               "  known:   " +
               known.fingerprint +
               "\n"
               "  Someone may be between you and the server; or it was given a new key.  Ask its "
               "administrator for\n"
               "  the fingerprint.  Only if that is the one offered, forget the old one, and log in again:\n"
               "    sed -i " +
               std::to_string(known.line) + "d " + quoted(file));
}

void remember(const Destination& destination, const std::string& offered, const KnownHosts& known_hosts,
              Display& display)
{
    try {
        known_hosts.add(destination.host_and_port(), offered);
        display.say("Remembered " + destination.host_and_port() + " in " + known_hosts.file().string() + ".");
    } catch (const Failure& failure) {
        display.warn(std::string(failure.what()) + ": you will be asked again");
    }
}

/// True for yes, or for the very fingerprint; false for no.
bool person_agrees(const std::string& offered, const AskPerson& ask)
{
    std::string_view prompt = "Is it the right one (yes/no/fingerprint)? ";
    for (int tries = 0; tries < kMostTries; ++tries) {
        const auto typed = ask(prompt);
        if (!typed || *typed == "no") return false;
        if (*typed == "yes") return true;
        if (const auto fingerprint = normalize_fingerprint(*typed)) return *fingerprint == offered;
        prompt = "Please type yes, no or the fingerprint: ";
    }
    return false;
}

void introduce(const Destination& destination, const std::string& offered, const AskPerson& ask,
               Display& display)
{
    if (!ask) {
        refuse(destination,
               "unknown, with the key " + offered +
                   ", and no terminal to ask: if that is the right one, name it with --fingerprint, or "
                   "accept it once with --accept-new; nothing was sent");
    }
    display.say("This is the first visit to " + destination.host_and_port() +
                ".  Its key has the fingerprint");
    display.say("  " + offered);
    display.say("The server's administrator can tell you the right one (securelogin-admin status).");
    if (!person_agrees(offered, ask)) refuse(destination, "not accepted; nothing was sent");
}

bool has_key(const std::vector<KnownHost>& known, const std::string& offered)
{
    return std::ranges::find(known, offered, &KnownHost::fingerprint) != known.end();
}

}  // namespace

bool is_trusted_already(const Destination& destination, const std::string& offered, const TrustPolicy& policy)
{
    if (policy.fingerprint) return offered == *policy.fingerprint;
    if (policy.by_ca) return true;
    const KnownHosts known_hosts(policy.known_hosts ? *policy.known_hosts : known_hosts_file());
    return has_key(known_hosts.find(destination.host_and_port()), offered);
}

void settle_trust(const Destination& destination, const std::string& offered, const TrustPolicy& policy,
                  const AskPerson& ask, Display& display)
{
    if (policy.fingerprint) return require_pin(destination, offered, *policy.fingerprint);
    if (policy.by_ca) return;
    const KnownHosts known_hosts(policy.known_hosts ? *policy.known_hosts : known_hosts_file());
    const auto known = known_hosts.find(destination.host_and_port());
    if (has_key(known, offered)) return;
    if (!known.empty()) refuse_changed(destination, offered, known.front(), known_hosts.file().string());
    if (!policy.accept_new) introduce(destination, offered, ask, display);
    remember(destination, offered, known_hosts, display);
}

}  // namespace securelogin::client
