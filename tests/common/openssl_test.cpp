#include "common/openssl.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pemerr.h>

namespace securelogin {
namespace {

TEST(OpenSslErrorText, SaysThatItDoesNotKnow)
{
    ERR_clear_error();
    EXPECT_EQ(openssl_error(), "unknown error");
}

TEST(OpenSslErrorText, TellsAllAndEmptiesTheQueue)
{
    ERR_clear_error();
    ERR_raise(ERR_LIB_PEM, PEM_R_NO_START_LINE);
    ERR_raise(ERR_LIB_X509, ERR_R_MALLOC_FAILURE);
    EXPECT_EQ(openssl_error(), "no start line; malloc failure");
    EXPECT_EQ(ERR_peek_error(), 0U);
    EXPECT_EQ(openssl_error(), "unknown error");
}

TEST(OpenSslErrorText, TellsAnErrnoInWords)
{
    ERR_clear_error();
    const BioPtr bio(BIO_new_file("/nonexistent/file", "r"));
    EXPECT_EQ(bio, nullptr);
    EXPECT_EQ(openssl_error(), "No such file or directory");
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(OpenSslErrorText, KnowsNumbersWithoutWords)
{
    ERR_clear_error();
    ERR_raise(200, 77);
    EXPECT_EQ(openssl_error().substr(0, 6), "error ");
}

TEST(OpenSslErrorException, SaysWhatWasBeingDone)
{
    ERR_clear_error();
    ERR_raise(ERR_LIB_PEM, PEM_R_NO_START_LINE);
    EXPECT_STREQ(OpenSslError("reading a key").what(), "reading a key: no start line");
}

}  // namespace
}  // namespace securelogin
