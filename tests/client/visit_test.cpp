// To whom the device key is shown, and to whom it is not.
#include "client/visit.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "client/known_hosts.hpp"
#include "fakes.hpp"
#include "temporary_directory.hpp"
#include "tls_server.hpp"

namespace securelogin::client {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kOther = "SHA256:" + std::string(43, 'A');

class VisitTest : public testing::Test {
  protected:
    /// How a visit ended; `welcome` when it did well.
    std::string visit_with(const VisitPolicy& policy, const std::optional<std::string>& person = {})
    {
        const AskWhile ask = [&](int) -> AskPerson {
            if (!person) return {};
            return [&](std::string_view) { return person; };
        };
        auto display = shown_.display(true);
        const auto failure = failure_of([&] { (void)visit(server().destination(), policy, ask, display); });
        return failure ? failure->second : "welcome";
    }

    TlsServer& server()
    {
        if (!server_) server_.emplace(manner_);
        return *server_;
    }
    VisitPolicy policy()
    {
        VisitPolicy policy;
        policy.trust.known_hosts = directory_.path() / "known_hosts";
        policy.device_keys = keys_;
        return policy;
    }
    VisitPolicy pinned()
    {
        auto pinned = policy();
        pinned.trust.fingerprint = server().shown();
        return pinned;
    }
    void know(const std::string& fingerprint)
    {
        KnownHosts(directory_.path() / "known_hosts")
            .add(server().destination().host_and_port(), fingerprint);
    }
    /// The key that lies there; made now if there was none, and then no visitor can have shown it.
    std::string kept_key()
    {
        return fingerprint(
            DeviceKeys(keys_).for_server(server().destination().host_and_port()).certificate());
    }
    [[nodiscard]] bool has_keys() const { return fs::exists(keys_); }

    TlsServer::Manner manner_;
    TemporaryDirectory directory_;
    fs::path keys_ = directory_.path() / "securelogin" / "devices";
    Shown shown_;
    std::optional<TlsServer> server_;
};

TEST_F(VisitTest, APinnedServerIsShownTheKeyAtOnce)
{
    EXPECT_EQ(visit_with(pinned()), "welcome");
    EXPECT_EQ(visit_with(pinned()), "welcome");
    const auto key = kept_key();
    EXPECT_THAT(server().visitors(), ElementsAre(key, key));
}

TEST_F(VisitTest, AKnownServerIsShownTheKeyAtOnce)
{
    know(server().shown());
    EXPECT_EQ(visit_with(policy()), "welcome");
    EXPECT_THAT(server().visitors(), ElementsAre(kept_key()));
}

TEST_F(VisitTest, AServerThatACaVouchesForIsShownTheKeyAtOnce)
{
    auto by_ca = policy();
    by_ca.ca = directory_.path() / "ca.pem";
    by_ca.trust.by_ca = true;
    server().identity().save(*by_ca.ca);
    EXPECT_EQ(visit_with(by_ca), "welcome");
    EXPECT_THAT(server().visitors(), ElementsAre(kept_key()));
}

TEST_F(VisitTest, ANewServerIsShownTheKeyOnceThePersonHasAgreed)
{
    EXPECT_EQ(visit_with(policy(), "yes"), "welcome");
    EXPECT_THAT(server().visitors(), ElementsAre("nobody", kept_key()));
}

TEST_F(VisitTest, ANewServerIsShownTheKeyOnceItIsAccepted)
{
    auto accepting = policy();
    accepting.trust.accept_new = true;
    EXPECT_EQ(visit_with(accepting), "welcome");
    EXPECT_EQ(visit_with(accepting), "welcome");
    const auto key = kept_key();
    EXPECT_THAT(server().visitors(), ElementsAre("nobody", key, key));
}

struct Distrusted {
    const char* name;
    std::function<VisitPolicy(VisitPolicy)> change;
    std::optional<std::string> person;
    const char* known;
    const char* says;
};

class DistrustedServer : public VisitTest, public testing::WithParamInterface<Distrusted> {};

TEST_P(DistrustedServer, IsShownNothing)
{
    if (GetParam().known != nullptr) know(GetParam().known);
    EXPECT_THAT(visit_with(GetParam().change(policy()), GetParam().person), HasSubstr(GetParam().says));
    EXPECT_FALSE(has_keys()) << "nor is one made for it";
    EXPECT_THAT(server().visitors(), ElementsAre("nobody"));
}

INSTANTIATE_TEST_SUITE_P(
    Reasons, DistrustedServer,
    testing::Values(
        Distrusted{"NobodyToAsk", [](VisitPolicy p) { return p; }, {}, nullptr, "no terminal to ask"},
        Distrusted{"ThePersonSaysNo", [](VisitPolicy p) { return p; }, "no", nullptr, "not accepted"},
        Distrusted{"ItsKeyHasChanged", [](VisitPolicy p) { return p; }, "yes", kOther.c_str(), "HAS CHANGED"},
        Distrusted{"AnotherKeyThanThePin",
                   [](VisitPolicy p) {
                       p.trust.fingerprint = kOther;
                       return p;
                   },
                   "yes", nullptr, "not the key that --fingerprint names"}),
    [](const auto& row) { return row.param.name; });

TEST_F(VisitTest, AServerThatNoCaVouchesForIsShownNothing)
{
    auto by_ca = policy();
    by_ca.ca = directory_.path() / "ca.pem";
    by_ca.trust.by_ca = true;
    ServerIdentity().save(*by_ca.ca);
    EXPECT_THAT(visit_with(by_ca), HasSubstr("against --ca"));
    EXPECT_FALSE(has_keys());
    EXPECT_THAT(server().visitors(), ElementsAre("failed"));
}

TEST_F(VisitTest, AKnownHostsFileThatIsBrokenShowsNothing)
{
    write_file(directory_.path() / "known_hosts", "nonsense\n");
    EXPECT_THAT(visit_with(policy()), HasSubstr("line 1"));
    EXPECT_FALSE(has_keys());
    EXPECT_THAT(server().visitors(), ElementsAre("nobody"));
}

TEST_F(VisitTest, AnotherKeyOnTheSecondConnectionEndsIt)
{
    manner_.changes = true;
    EXPECT_THAT(visit_with(policy(), "yes"), HasSubstr("another key than a moment ago"));
    EXPECT_FALSE(has_keys());
    EXPECT_THAT(server().visitors(), ElementsAre("nobody", "nobody"));
}

TEST_F(VisitTest, NoKeyWhenNoneIsWanted)
{
    auto without = pinned();
    without.device_key = false;
    EXPECT_EQ(visit_with(without), "welcome");
    EXPECT_FALSE(has_keys());
    EXPECT_THAT(server().visitors(), ElementsAre("nobody"));
}

TEST_F(VisitTest, NoKeyForAServerThatDoesNotAsk)
{
    manner_.asks = false;
    EXPECT_EQ(visit_with(policy(), "yes"), "welcome");
    EXPECT_FALSE(has_keys());
    EXPECT_THAT(server().visitors(), ElementsAre("nobody")) << "nor is there a second connection";
}

TEST_F(VisitTest, NoKeyWhereAnyoneOnTheWayCouldReadIt)
{
    manner_.newest = TLS1_2_VERSION;
    EXPECT_EQ(visit_with(pinned()), "welcome");
    EXPECT_FALSE(has_keys());
    EXPECT_THAT(server().visitors(), ElementsAre("nobody"));
}

TEST_F(VisitTest, AKeyThatCannotBeKeptIsToldAndTheVisitGoesOn)
{
    write_file(keys_, "a file where the directory should be");
    EXPECT_EQ(visit_with(pinned()), "welcome");
    EXPECT_THAT(shown_.words, HasSubstr("No device key: "));
    EXPECT_THAT(shown_.words, HasSubstr(keys_.string()));
    EXPECT_THAT(server().visitors(), ElementsAre("nobody"));
}

}  // namespace
}  // namespace securelogin::client
