// From the real program's URI to a code that the domain accepts, with oathtool in the place of the phone.
#include <gtest/gtest.h>

#include <array>
#include <boost/json/parse.hpp>
#include <cstdint>
#include <cstdio>
#include <filesystem>

#include <stdexcept>
#include <string>

#include "server/auth/store.hpp"
#include "server/auth/totp.hpp"
#include "server/data_directory.hpp"
#include "server/store/sqlite_store.hpp"
#include "tests/support/temporary_directory.hpp"

namespace securelogin::admin {
namespace {

namespace fs = std::filesystem;

/// What a shell command prints.  Throws when it fails.
std::string output_of(const std::string& command)
{
    std::string output;
    FILE* const pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("popen");
    std::array<char, 4096> chunk{};
    while (const auto count = std::fread(chunk.data(), 1, chunk.size(), pipe))
        output.append(chunk.data(), count);
    if (pclose(pipe) != 0) throw std::runtime_error(command + " failed");
    return output;
}

/// A parameter of a URI; `otherwise` where it is not there.
std::string parameter(const std::string& uri, const std::string& key, const std::string& otherwise)
{
    for (const auto* before : {"?", "&"}) {
        const auto at = uri.find(before + key + "=");
        if (at == std::string::npos) continue;
        const auto begin = at + key.size() + 2;
        return uri.substr(begin, uri.find('&', begin) - begin);
    }
    return otherwise;
}

struct KeyCase {
    const char* name;
    const char* options;
    auth::TotpParameters parameters;
};

class Enrolment : public testing::TestWithParam<KeyCase> {
  protected:
    /// The URI that `securelogin-admin user ARGUMENTS --json` gives.
    [[nodiscard]] std::string uri_from(const std::string& arguments) const
    {
        const auto output = output_of(SECURELOGIN_ADMIN " --json --data " + data().string() + " user " +
                                      arguments + " 2>/dev/null");
        return std::string(boost::json::parse(output).at("otpauth_uri").as_string());
    }
    [[nodiscard]] fs::path data() const { return directory_ / "data"; }

    support::TemporaryDirectory directory_;
};

/// What a phone that scanned `uri` shows at `now`: oathtool knows nothing of this project.
std::string phone_shows(const std::string& uri, auth::Time now)
{
    const auto code =
        output_of("oathtool --totp=" + parameter(uri, "algorithm", "SHA1") +
                  " --base32 --digits=" + parameter(uri, "digits", "6") +
                  " --time-step-size=" + parameter(uri, "period", "30") + "s --now=@" +
                  std::to_string(now.time_since_epoch().count()) + " " + parameter(uri, "secret", ""));
    return code.substr(0, code.find('\n'));
}

/// What the database holds for alice.
struct Stored {
    auth::TotpEnrolment enrolment;
    Secret secret;
};

Stored stored_in(const fs::path& path)
{
    const auto directory = DataDirectory::open(path, DataDirectory::IfMissing::refuse);
    const auto master = directory.load_master_key(DataDirectory::IfMissing::refuse);
    const auto store = store::open_sqlite_store(directory.database(), master, {});
    Stored stored;
    auth::transact(*store, [&](auth::Transaction& transaction) {
        const auto account = transaction.find_account(*auth::UserName::parse("alice")).value();
        stored = {account.totp.value(), transaction.totp_secret(account)};
    });
    return stored;
}

void expect_code_is_accepted(const std::string& uri, const Stored& stored,
                             const auth::TotpParameters& parameters)
{
    EXPECT_EQ(stored.enrolment.parameters, parameters);
    for (const std::int64_t moment : {1'780'315'200L, 1'780'315'229L, 20'000'000'000L}) {
        const auto now = auth::Time(std::chrono::seconds(moment));
        const auto code = phone_shows(uri, now);
        ASSERT_EQ(code.size(), static_cast<std::size_t>(parameters.digits));
        const auto match = auth::match_code(stored.secret, parameters, code, now, 0, 0);
        EXPECT_TRUE(match.matches) << code << " at " << moment;
        EXPECT_EQ(match.step, moment / parameters.period.count());
    }
}

TEST_P(Enrolment, CodeOfTheUriIsTheCodeOfTheStore)
{
    const auto uri = uri_from(std::string("add alice --generate-password ") + GetParam().options);
    expect_code_is_accepted(uri, stored_in(data()), GetParam().parameters);
}

TEST_P(Enrolment, NewKeyHasTheSameParametersAndItsCodesCount)
{
    const auto old_uri = uri_from(std::string("add alice --generate-password ") + GetParam().options);
    const auto uri = uri_from("reset-totp alice --qr " + (directory_ / "new.png").string());
    EXPECT_NE(parameter(uri, "secret", ""), parameter(old_uri, "secret", ""));
    expect_code_is_accepted(uri, stored_in(data()), GetParam().parameters);
}

using std::chrono::seconds;
INSTANTIATE_TEST_SUITE_P(
    Keys, Enrolment,
    testing::Values(KeyCase{"Default", "", {}},
                    KeyCase{"Sha256", "--algorithm sha256", {auth::TotpAlgorithm::sha256, 6, seconds(30)}},
                    KeyCase{"Sha512EightDigitsAMinute",
                            "--algorithm sha512 --digits 8 --period 60",
                            {auth::TotpAlgorithm::sha512, 8, seconds(60)}},
                    KeyCase{"EightDigits", "--digits 8", {auth::TotpAlgorithm::sha1, 8, seconds(30)}}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace securelogin::admin
