#include "client/device_key.hpp"

#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "common/certificate.hpp"
#include "fakes.hpp"
#include "temporary_directory.hpp"

namespace securelogin::client {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr auto kServer = "login.example.net:9999";
constexpr uid_t kNobody = 65534;

std::string id(const DeviceKey& key) { return fingerprint(key.certificate()); }

std::string pem_of(PkeyPtr key)
{
    const BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string encrypted_pem()
{
    const PkeyPtr key(EVP_EC_gen("P-256"));
    const BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), EVP_aes_128_cbc(), "secret", 6, nullptr, nullptr);
    char* text = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

TEST(DeviceKey, IsReadAsItWasWritten)
{
    const auto key = DeviceKey::make();
    const auto read = DeviceKey::parse(key.pem());
    ASSERT_TRUE(read);
    EXPECT_EQ(id(*read), id(key));
    EXPECT_NE(id(DeviceKey::make()), id(key));
}

TEST(DeviceKey, TheCertificateTellsNothingButTheKey)
{
    const auto one = DeviceKey::make();
    const auto other = DeviceKey::make();
    const auto name = [](const DeviceKey& key) { return X509_get_subject_name(&key.certificate()); };
    EXPECT_EQ(X509_NAME_cmp(name(one), name(other)), 0);
    EXPECT_EQ(X509_NAME_cmp(name(one), X509_get_issuer_name(&one.certificate())), 0);
    EXPECT_EQ(
        ASN1_TIME_compare(X509_get0_notBefore(&one.certificate()), X509_get0_notBefore(&other.certificate())),
        0);
    EXPECT_EQ(ASN1_INTEGER_cmp(X509_get0_serialNumber(&one.certificate()),
                               X509_get0_serialNumber(&other.certificate())),
              0);
    EXPECT_EQ(X509_verify(&one.certificate(), &one.key()), 1);
}

struct Named {
    const char* name;
    const char* server;
    const char* file;
};

class DeviceKeyFile : public testing::TestWithParam<Named> {};

TEST_P(DeviceKeyFile, IsNamedAfterTheServer)
{
    EXPECT_EQ(DeviceKeys("/d").file_for(GetParam().server), fs::path("/d") / GetParam().file);
}

INSTANTIATE_TEST_SUITE_P(Names, DeviceKeyFile,
                         testing::Values(Named{"Host", "a.example:9999", "a.example%3A9999.pem"},
                                         Named{"Address", "[::1]:1", "%5B%3A%3A1%5D%3A1.pem"},
                                         Named{"Zone", "[fe80::1%eth0]:1",
                                               "%5Bfe80%3A%3A1%25eth0%5D%3A1.pem"},
                                         Named{"NoWayUp", "../../x:1", "..%2F..%2Fx%3A1.pem"},
                                         Named{"UpperCase", "A:1", "%41%3A1.pem"},
                                         Named{"Octets", "\x01\xFF:1", "%01%FF%3A1.pem"}),
                         [](const auto& row) { return row.param.name; });

class DeviceKeysTest : public testing::Test {
  protected:
    TemporaryDirectory scratch_;
    fs::path directory_ = scratch_.path() / "config" / "securelogin" / "devices";
    DeviceKeys keys_{directory_};
    fs::path file_ = keys_.file_for(kServer);
};

TEST_F(DeviceKeysTest, OneIsMadeForItsOwnerOnlyAndKept)
{
    const auto made = keys_.for_server(kServer);
    EXPECT_EQ(mode_of(file_), 0600U);
    EXPECT_EQ(mode_of(directory_), 0700U);
    EXPECT_EQ(mode_of(directory_.parent_path()), 0700U);
    const auto before = contents(file_);
    EXPECT_EQ(id(keys_.for_server(kServer)), id(made));
    EXPECT_EQ(contents(file_), before);
}

TEST_F(DeviceKeysTest, EachServerHasItsOwn)
{
    EXPECT_NE(id(keys_.for_server("a:1")), id(keys_.for_server("a:2")));
}

TEST_F(DeviceKeysTest, NothingElseIsLeftBehind)
{
    (void)keys_.for_server(kServer);
    EXPECT_EQ(std::distance(fs::directory_iterator(directory_), {}), 1);
}

TEST_F(DeviceKeysTest, TwoProgramsAtOnceGetTheSame)
{
    constexpr int kPrograms = 8;
    std::vector<std::string> ids(kPrograms);
    {
        std::vector<std::jthread> programs;
        for (auto& mine : ids) programs.emplace_back([&] { mine = id(keys_.for_server(kServer)); });
    }
    EXPECT_EQ(ids, std::vector<std::string>(kPrograms, ids[0]));
}

TEST_F(DeviceKeysTest, AKeyIsUsedAlsoWhereNoneCouldBeMade)
{
    const auto made = keys_.for_server(kServer);
    fs::permissions(directory_, fs::perms(0500));
    EXPECT_EQ(id(keys_.for_server(kServer)), id(made));
    fs::permissions(directory_, fs::perms(0700));
}

struct Damage {
    const char* name;
    std::function<void(const fs::path&)> act;
};

class DamagedDeviceKey : public DeviceKeysTest, public testing::WithParamInterface<Damage> {};

TEST_P(DamagedDeviceKey, IsReplacedByANewOne)
{
    const auto before = id(keys_.for_server(kServer));
    GetParam().act(file_);
    const auto after = id(keys_.for_server(kServer));
    EXPECT_NE(after, before);
    EXPECT_FALSE(fs::is_symlink(file_));
    EXPECT_EQ(mode_of(file_), 0600U);
    EXPECT_EQ(id(keys_.for_server(kServer)), after);
}

void give_away(const fs::path& file)
{
    if (::chown(file.c_str(), kNobody, kNobody) != 0)
        fs::remove(file);  // only root may: else like a missing one
}

void replace_by_link(const fs::path& file)
{
    const auto target = file.parent_path() / "elsewhere.pem";
    fs::rename(file, target);
    fs::create_symlink(target, file);
}

/// Some bits of the base64 at `at`.
void flip(const fs::path& file, std::size_t at)
{
    auto text = contents(file);
    text[at] = text[at] == 'A' ? 'B' : 'A';
    write_file(file, text);
}

/// Of the octets 36 to 67, in the first line of base64: what is read then is a key, but not one.
void flip_private_half(const fs::path& file)
{
    flip(file, std::string_view("-----BEGIN PRIVATE KEY-----\n").size() + 56);
}

void flip_public_half(const fs::path& file) { flip(file, contents(file).rfind("\n-----END") - 12); }

INSTANTIATE_TEST_SUITE_P(
    Keys, DamagedDeviceKey,
    testing::Values(
        Damage{"Missing", [](const fs::path& file) { fs::remove(file); }},
        Damage{"Empty", [](const fs::path& file) { write_file(file, ""); }},
        Damage{"Garbage", [](const fs::path& file) { write_file(file, "hello\n"); }},
        Damage{"Cut", [](const fs::path& file) { fs::resize_file(file, 100); }},
        Damage{"PrivateHalf", flip_private_half}, Damage{"PublicHalf", flip_public_half},
        Damage{"TooLong",
               [](const fs::path& file) { write_file(file, contents(file) + std::string(4096, '\n')); }},
        Damage{"AnotherCurve",
               [](const fs::path& file) { write_file(file, pem_of(PkeyPtr(EVP_EC_gen("P-384")))); }},
        Damage{"Rsa", [](const fs::path& file) { write_file(file, pem_of(PkeyPtr(EVP_RSA_gen(2048)))); }},
        Damage{"UnderAPassphrase", [](const fs::path& file) { write_file(file, encrypted_pem()); }},
        Damage{"GroupMayRead", [](const fs::path& file) { fs::permissions(file, fs::perms(0640)); }},
        Damage{"OthersMayRead", [](const fs::path& file) { fs::permissions(file, fs::perms(0604)); }},
        Damage{"ALink", replace_by_link}, Damage{"OfAnotherUser", give_away},
        Damage{"AFifo",
               [](const fs::path& file) {
                   fs::remove(file);
                   ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
               }}),
    [](const auto& row) { return row.param.name; });

TEST_F(DeviceKeysTest, WhatALinkLedToIsLeftAlone)
{
    const auto before = id(keys_.for_server(kServer));
    replace_by_link(file_);
    (void)keys_.for_server(kServer);
    const auto target = DeviceKey::parse(Secret::copy_of(contents(directory_ / "elsewhere.pem")));
    ASSERT_TRUE(target);
    EXPECT_EQ(id(*target), before);
}

struct Refused {
    const char* name;
    std::function<void(const fs::path& directory)> prepare;
    const char* says;
};

class NoDeviceKey : public DeviceKeysTest, public testing::WithParamInterface<Refused> {};

TEST_P(NoDeviceKey, AndTheReasonIsTold)
{
    fs::create_directories(directory_.parent_path());
    GetParam().prepare(directory_);
    const auto failure = failure_of([&] { (void)keys_.for_server(kServer); });
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->first, ExitCode::not_trusted);
    EXPECT_THAT(failure->second, HasSubstr(directory_.string()));
    EXPECT_THAT(failure->second, HasSubstr(GetParam().says));
}

void make_writable_to(const fs::path& directory, unsigned mode)
{
    fs::create_directory(directory);
    fs::permissions(directory, static_cast<fs::perms>(mode));
}

INSTANTIATE_TEST_SUITE_P(
    Directories, NoDeviceKey,
    testing::Values(
        Refused{"AFileInItsPlace", [](const fs::path& directory) { write_file(directory, "a file"); },
                "Not a directory"},
        Refused{"GroupMayWrite", [](const fs::path& d) { make_writable_to(d, 0770); }, "chmod 700"},
        Refused{"OthersMayWrite", [](const fs::path& d) { make_writable_to(d, 0702); }, "chmod 700"},
        Refused{"ADirectoryInTheKeysPlace",
                [](const fs::path& directory) {
                    fs::create_directories(DeviceKeys(directory).file_for(kServer) / "full");
                    fs::permissions(directory, fs::perms(0700));
                },
                "directory"}),
    [](const auto& row) { return row.param.name; });

TEST_F(DeviceKeysTest, ADirectoryOfAnotherUsersIsNotUsed)
{
    if (::geteuid() != 0) GTEST_SKIP() << "only root may give a directory away";
    fs::create_directories(directory_);
    ASSERT_EQ(::chown(directory_.c_str(), kNobody, kNobody), 0);
    const auto failure = failure_of([&] { (void)keys_.for_server(kServer); });
    ASSERT_TRUE(failure);
    EXPECT_THAT(failure->second, HasSubstr("another user"));
}

}  // namespace
}  // namespace securelogin::client
