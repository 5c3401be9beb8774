#include "server/admin/import/judgement.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>

namespace securelogin::admin {
namespace {

const std::string kTail = "$c29tZXNhbHRzb21lc2E$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
const std::string kPhc = "$argon2id$v=19$m=19456,t=2,p=1" + kTail;
const std::string kApr1 = "$apr1$abcdefgh$sIQmFnT1CuEXAsyjuXjUX/";
const std::string kUri = "otpauth://totp/alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

ImportRow row(std::string name, std::string hash, std::string uri, std::string base32 = {})
{
    ImportRow made;
    made.name = std::move(name);
    made.password_hash = std::move(hash);
    made.otpauth_uri = std::move(uri);
    made.totp_base32 = std::move(base32);
    return made;
}

struct GoodRow {
    std::string name;
    std::string user, hash, uri, base32;
    bool wrapped, invited, lacks_password, weaker;
};

class RowTakenIn : public testing::TestWithParam<GoodRow> {};

TEST_P(RowTakenIn, AsWhatItIs)
{
    const auto& is = GetParam();
    const auto judged = judge(row(is.user, is.hash, is.uri, is.base32));
    ASSERT_TRUE(std::holds_alternative<Newcomer>(judged)) << std::get<std::string>(judged);
    const auto& newcomer = std::get<Newcomer>(judged);
    EXPECT_EQ(newcomer.name.str(), "alice");
    EXPECT_EQ(newcomer.is_wrapped(), is.wrapped);
    EXPECT_EQ(newcomer.is_invited(), is.invited);
    EXPECT_EQ(newcomer.lacks_password(), is.lacks_password);
    EXPECT_EQ(newcomer.weaker, is.weaker);
}

INSTANTIATE_TEST_SUITE_P(
    Judgement, RowTakenIn,
    testing::Values(
        //      name                 user     hash    URI   base32     wrapped invited lacks weaker
        GoodRow{"PhcAndKey", "alice", kPhc, kUri, "", false, false, false, false},
        GoodRow{"Capitals", "ALICE", kPhc, kUri, "", false, false, false, false},
        GoodRow{"WrappedBefore", "alice", "$over$sha256$$" + kPhc.substr(1), kUri, "", false, false, false,
                false},
        GoodRow{"PhcOnly", "alice", kPhc, "", "", false, true, false, false},
        GoodRow{"OldAndKey", "alice", kApr1, kUri, "", true, false, false, false},
        GoodRow{"OldOnly", "alice", kApr1, "", "", true, true, false, false},
        GoodRow{"KeyOnly", "alice", "", kUri, "", false, false, true, false},
        GoodRow{"Base32Only", "alice", "", "", "JBSWY3DPEHPK3PXP", false, false, true, false},
        GoodRow{"CryptPrefix", "alice", "{CRYPT}$1$saltsalt$NuzA7WTAelpl95xgBGWN60", "", "", true, true,
                false, false},
        GoodRow{"WeakerThanTheFloor", "alice", "$argon2id$v=19$m=8,t=1,p=1" + kTail, kUri, "", false, false,
                false, true},
        GoodRow{"MoreMemoryForFewerPasses", "alice", "$argon2id$v=19$m=65536,t=1,p=8" + kTail, kUri, "",
                false, false, false, false}),
    [](const auto& row) { return row.param.name; });

struct BadRow {
    std::string name;
    std::string user, hash, uri, base32;
    std::string why;  // a part of it
};

class RowRefused : public testing::TestWithParam<BadRow> {};

TEST_P(RowRefused, SaysWhyAndNothingSecret)
{
    const auto& is = GetParam();
    const auto judged = judge(row(is.user, is.hash, is.uri, is.base32));
    ASSERT_TRUE(std::holds_alternative<std::string>(judged));
    const auto& why = std::get<std::string>(judged);
    EXPECT_NE(why.find(is.why), std::string::npos) << why;
    for (const auto& secret : {is.hash, is.uri, is.base32}) {
        EXPECT_TRUE(secret.empty() || why.find(secret) == std::string::npos);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Judgement, RowRefused,
    testing::Values(
        BadRow{"NoName", "", kPhc, kUri, "", "nobody's"},                                               //
        BadRow{"MailAddress", "alice@example.org", kPhc, kUri, "", "nobody's"},                         //
        BadRow{"Blank", "alice ", kPhc, kUri, "", "nobody's"},                                          //
        BadRow{"HyphenFirst", "-alice", kPhc, kUri, "", "nobody's"},                                    //
        BadRow{"TooLong", std::string(65, 'a'), kPhc, kUri, "", "nobody's"},                            //
        BadRow{"Umlaut", "j\xC3\xBCrgen", kPhc, kUri, "", "nobody's"},                                  //
        BadRow{"NulInTheName", std::string("al\0ice", 6), kPhc, kUri, "", "nobody's"},                  //
        BadRow{"Nothing", "alice", "", "", "", "neither"},                                              //
        BadRow{"OnlyThePrefix", "alice", "{CRYPT}", "", "", "neither"},                                 //
        BadRow{"UnknownHash", "alice", "letmein", kUri, "", "of no kind that is known"},                //
        BadRow{"Argon2i", "alice", "$argon2i$v=19$m=65536,t=3,p=1" + kTail, kUri, "", "not Argon2id"},  //
        BadRow{"OldArgon2", "alice", "$argon2id$m=65536,t=3,p=1" + kTail, kUri, "", "version 19"},      //
        BadRow{"TooMuchMemory", "alice", "$argon2id$v=19$m=1048576,t=1,p=1" + kTail, kUri, "", "256 MiB"},
        BadRow{"TooManyPasses", "alice", "$argon2id$v=19$m=19456,t=17,p=1" + kTail, kUri, "", "16 passes"},
        BadRow{"PhcCutOff", "alice", kPhc.substr(0, 60), kUri, "", "malformed"},  //
        BadRow{"BcryptTooDear", "alice", "$2y$20$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", kUri,
               "", "above 14"},
        BadRow{"BadUri", "alice", kPhc, "otpauth://totp/alice", "", "key is not an otpauth"},     //
        BadRow{"BadKeyAndNoPassword", "alice", "", "", "JBSWY3DPEHPK3PX1", "key is not base32"},  //
        BadRow{"BadUriBehindAGoodHash", "alice", kApr1, kUri + "&digits=7", "", "digits"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace securelogin::admin
