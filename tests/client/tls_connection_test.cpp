// Peers that speak no TLS, or nothing at all.  Those that do: the *_test.py with a real handshake.
#include "client/tls_connection.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "fakes.hpp"
#include "temporary_directory.hpp"

namespace securelogin::client {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// A TCP listener on a free loopback port.
class Listener {
  public:
    Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(socket_.get(), generic, size) != 0 || ::listen(socket_.get(), 4) != 0 ||
            ::getsockname(socket_.get(), generic, &size) != 0) {
            throw std::runtime_error("listening");
        }
        port_ = ntohs(address.sin_port);
    }
    [[nodiscard]] Destination destination() const { return {{}, "127.0.0.1", port_, true}; }
    [[nodiscard]] FileDescriptor accept() const
    {
        return FileDescriptor(::accept(socket_.get(), nullptr, nullptr));
    }
    void close() noexcept { socket_.close(); }

  private:
    FileDescriptor socket_;
    std::uint16_t port_ = 0;
};

constexpr TlsConnection::Patience kShort{.connect = 5000ms, .handshake = 200ms};
constexpr TlsConnection::Patience kLong{.connect = 5000ms, .handshake = 20'000ms};

std::optional<std::pair<ExitCode, std::string>> connecting(
    const Destination& destination, TlsConnection::Patience patience,
    const std::optional<std::filesystem::path>& ca = {})
{
    return failure_of([&] { const TlsConnection connection(destination, ca, patience); });
}

TEST(TlsConnection, NobodyListens)
{
    Listener listener;
    const auto destination = listener.destination();
    listener.close();
    const auto failure = connecting(destination, kLong);
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::unavailable);
    EXPECT_THAT(failure->second, HasSubstr("Connection refused"));
    EXPECT_THAT(failure->second, HasSubstr(destination.host_and_port()));
}

TEST(TlsConnection, NoSuchHost)
{
    const auto failure = connecting({{}, "nowhere.invalid", 9999, false}, kLong);
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::unavailable);
    EXPECT_THAT(failure->second, HasSubstr("nowhere.invalid"));
}

TEST(TlsConnection, ASilentPeerIsGivenUp)
{
    const Listener listener;  // its queue takes the connection; nobody answers
    const auto failure = connecting(listener.destination(), kShort);
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::unavailable);
    EXPECT_THAT(failure->second, HasSubstr("no answer in time"));
}

TEST(TlsConnection, APeerThatClosesAtOnce)
{
    Listener listener;
    std::thread server([&] {
        const auto peer = listener.accept();
        std::array<char, 4096> hello{};
        (void)::recv(peer.get(), hello.data(), hello.size(), 0);
    });
    const auto failure = connecting(listener.destination(), kLong);
    server.join();
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::unavailable);
    EXPECT_THAT(failure->second, HasSubstr("closed the connection"));
}

TEST(TlsConnection, APeerThatSpeaksPlainly)
{
    Listener listener;
    std::thread server([&] {
        const auto peer = listener.accept();
        (void)write_all(peer.get(), "220 a SecureLogin 1 ready\r\n330 Username:\r\n");
        std::array<char, 4096> sent{};
        while (::recv(peer.get(), sent.data(), sent.size(), 0) > 0) {
        }
    });
    const auto failure = connecting(listener.destination(), kLong);
    server.join();
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::protocol);
    EXPECT_THAT(failure->second, HasSubstr("TLS port"));
}

struct BadCa {
    const char* name;
    std::optional<std::string> text;
};

class BadCaFile : public testing::TestWithParam<BadCa> {};

TEST_P(BadCaFile, IsToldBeforeConnecting)
{
    const TemporaryDirectory directory;
    const auto file = directory.path() / "ca.pem";
    if (GetParam().text) write_file(file, *GetParam().text);
    const auto failure = connecting({{}, "nowhere.invalid", 9999, false}, kLong, file);
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::not_trusted);
    EXPECT_THAT(failure->second, HasSubstr(file.string()));
}

INSTANTIATE_TEST_SUITE_P(TlsConnection, BadCaFile,
                         testing::Values(BadCa{"Missing", {}}, BadCa{"Empty", ""}, BadCa{"NoPem", "hello\n"},
                                         BadCa{"CutPem", "-----BEGIN CERTIFICATE-----\nMIIB\n"}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace securelogin::client
