//! Signatures that OpenSSL has made with a key of 1,536 bits.

use super::verify;
use rustls::SignatureScheme;

const MESSAGE: &[u8] = b"hello, server";

/// `openssl genrsa 1536 | openssl rsa -pubout -outform DER`
const KEY: &str = "\
    3081df300d06092a864886f70d01010105000381cd003081c90281c100d34aa0cbbd0ad7a08ce4a768167088d321d85b5eb4fffa88d0 \
    6a97d7d09ba7ff2b441d3f031ffaa1d66f4a1eea7412881c52af6e584efaa01fba1c7cbf622c8f0dfab79af1dcad472793e255e7702f \
    ceaa7912fb3efa07f87ea5950d2bea24dc422ab38c4d08b043e8604b8bf21ded2816dfa346d0565974d5944583b69421bf2a014568c2 \
    5cb11e7049f0e2a4b27b7f8747fd9a242bfc8a02a884798b1b7bb261d24aa52886616d6ab312b31f1db65575fdcf8c789625a5892da7 \
    34e5a595f70203010001";

/// `openssl dgst -sha... -sign`, with `-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest` for PSS.
const SIGNATURES: [(SignatureScheme, &str); 6] = [
    (
        SignatureScheme::RSA_PKCS1_SHA256,
        "\
    02f4452a51c422ea44af2c48e18afcf69fc84f0bffff9318daa0d315697f59f922876c2d1c1515ed38caa50790e7de07238335262b29 \
    15619edb754d0dc59a54c49a61847927298485844a8421b9f1fcf3b747b878189918608e22ef4baafaa71c2750afc91b39e8219718ea \
    07886a7ca33620682c39ebc0eb61474c77ba3a57ef4389e56379102a2b2b805911e97799849ac754b0a6f02746f6af3c517b883591ab \
    b387c244fbe515fd6c1a6f8d5ea4e2684745663c10670d03f499dfd08fc1",
    ),
    (
        SignatureScheme::RSA_PKCS1_SHA384,
        "\
    4739aeee4345015d6a08ef4330dd1b1b0b8e2aa01b400f7ad9caa4038e37b88cf7256b1229e0f09d00451439272503dcf8435cefaea0 \
    8b1c55926e88df518faa54a1adabd6de9d39ad26c5d6317070c33b3d6885faf7215fff4cab0be0d74f767e3252fe740d295a207adb52 \
    9e97f24314e4608c995131f01ead2e7461f4abf097737a4c9c7b0b819137b32eea82efea1bc7d1c4ceccb62a79fcc3379a49d60bceae \
    a789a2b145a39ebca6ed140893add1a32ca1f513d4cf8447d487b3445d17",
    ),
    (
        SignatureScheme::RSA_PKCS1_SHA512,
        "\
    882dcda8716d549b7e6957f618b96e58064fed1d1060a941074af5b941f727ea9f9c8596d12b2ba81e6f5d835106aa404be640f4374e \
    199f49addec16879036a58da21a6f1ddb21220181e959e3c4ff5b51668d94d288fe6b182641527885518dcd3b44a0dc43a90940b6e30 \
    0e1298939a4f77f2c0a500e480ea3bd61215f5509d6254afe851b03a7f21d7dfe5e16f99747a3b7ccb2f3be7ab155ff7763900a69f56 \
    a558064a3bf2f19baac5a15fcf5a454be804107dde1a0f45bf4e028e68bf",
    ),
    (
        SignatureScheme::RSA_PSS_SHA256,
        "\
    3873bb0c4280dee063a715c8831b4ba31c0278166e56c5b7ac5d46a9a929b1fc2df45546d558a63d3c2291183d1669328ef1adae927b \
    57f27be7186ae7e09ad18cb2149b8c234570529ebaab958507adf324a2b43afc8b020b5b52b9f7717c4fc9c89abef23ba0d2f712d9a7 \
    eeaf7b74a6a74457443269c84273869ee4eabcea31cd41603a880881d4355b1b15f82d4f33d2d29cd4a45019314ae71e02de47502c8d \
    0c5b0ffe7839393522b1fe53f7fd45995d2f6a2d0b400f94d3e584eea801",
    ),
    (
        SignatureScheme::RSA_PSS_SHA384,
        "\
    9a50ad0fc1bdb0eb98b908fe035d5d9c939727efd068e322d4e98c3fb70e5a5be414dbb3a613e15a56535b6f1e68d787d5f2d557e7d7 \
    f8734d84ce065e7f812025a530b35e040ea9f398b1893ab44ff974d4447816ad06727bc5c4634af202e018113ab3b5bdd30b01ddd06b \
    120dd3ee7e0b4d15cab0dfc7d9ac72bc17289c40b21ae3ac3f46cf607f6cb99fed03dd1c9b6fbc3ec30046afe5fbcfe1f250337f366b \
    16d147d8bf1b151b4989af4ddc270db40ef4c2ae1f7b9384f7b854837a30",
    ),
    (
        SignatureScheme::RSA_PSS_SHA512,
        "\
    0376c611b2907aca2f2acfa1510165f4b48b316f42e9940dc6ce4343ec31018ece84649ce3f690e7aa03ac34636d93915c88b1d0c90b \
    1ad3a8148702b9fd5243ed52708c347c306c22b0ac311cd7a0a2b25ad8c4e4f76505488d978b45bd78ca7eaae7657d46eed09f69d678 \
    e4001a4d070985bc9dbe0d2b45f07c10123b4a5db3537f48ef9dab571fc9cb9a57149325b3b7f958167fa1f6870a31cd2be264d9d236 \
    20b26e3f77647335c055bd11feda9bd30180fc67f68e8be63dbc5a1b56b9",
    ),
];

/// Keys of 512 bits, too small, and of 2,048, which the providers know.
const OTHERS: [&str; 2] = [
    "\
    305c300d06092a864886f70d0101010500034b003048024100bf0b2db1014591595445f74c51ded12727beea480331686642dace9534 \
    3fb4eb23881be9dd2e76eb417ea70e7ae6ef8837473386adda8773ddd5105dba2268d30203010001",
    "\
    30820122300d06092a864886f70d01010105000382010f003082010a0282010100aafc154a502dd5b2a931f57c5a21a7a7be1922d246 \
    182a40b5d8a2c767ca74c6e2c695984dcf0e9c6e53257c31d368ee6af42084745050382065b1798fb48a21e26228d304344d5096c96b \
    0f82099af7be5d95553bdeef2e41e811541e75ccc0f8b86943022741a49167ddb0ab022f87c413f94e88d8854d1200d7ff51702ae6b4 \
    f3d310e872d1c0c23d99cfc5c9577e5a44340ad538dcc6ca701ddb9179c669f47da6d960b7ced9f24ceb58eabdc33a40d752dc9d2b0a \
    b4a065325b9cbba7aaafbd1a71b8ea6584924149007b9fbc14592e9fb6c773b10899df2f54e3388040adb4d4ad67f84f2e6cefee658e \
    cdf7381bb4ba9896506b79d5f576e00eedd25d0203010001",
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks_exact(2).filter_map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

#[test]
fn what_openssl_signs_is_good_by_its_own_scheme_alone() {
    let key = bytes(KEY);
    for (scheme, signature) in SIGNATURES {
        for (asked, _) in SIGNATURES {
            let good = verify(asked, &key, MESSAGE, &bytes(signature));
            assert_eq!(good, Some(asked == scheme), "{scheme:?} as {asked:?}");
        }
    }
}

#[test]
fn one_bit_of_difference_is_bad() {
    let key = bytes(KEY);
    for (scheme, signature) in SIGNATURES {
        let signature = bytes(signature);
        for place in 0..signature.len() {
            let mut other = signature.clone();
            other[place] ^= 1 << (place % 8);
            assert_eq!(verify(scheme, &key, MESSAGE, &other), Some(false), "{scheme:?} byte {place}");
        }
        for other in [&[][..], &signature[1..], &[&[0][..], &signature].concat()] {
            assert_eq!(verify(scheme, &key, MESSAGE, other), Some(false), "{scheme:?}");
        }
        assert_eq!(verify(scheme, &key, b"hello, client", &signature), Some(false), "{scheme:?}");
    }
}

#[test]
fn other_keys_and_schemes_are_left_to_others() {
    let (key, (scheme, signature)) = (bytes(KEY), SIGNATURES[3]);
    let signature = bytes(signature);
    for other in OTHERS {
        assert_eq!(verify(scheme, &bytes(other), MESSAGE, &signature), None);
    }
    for cut in 0..key.len() {
        assert_eq!(verify(scheme, &key[..cut], MESSAGE, &signature), None, "{cut}");
    }
    for scheme in
        [SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519, SignatureScheme::RSA_PKCS1_SHA1]
    {
        assert_eq!(verify(scheme, &key, MESSAGE, &signature), None, "{scheme:?}");
    }
}
