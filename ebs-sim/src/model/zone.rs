//! Regions and their availability zones: real names, so that course commands run as they are. Any region that is
//! spelled like one exists; it then has three zones.

use aws_core::id::Region;

/// The regions that DescribeRegions lists: those open to every account.
pub const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// The zones of a region, in order: us-east-1 has six, us-west-2 four, others three.
pub fn zones(region: &Region) -> Vec<String> {
    let letters = match region.as_str() {
        "us-east-1" => "abcdef",
        "us-west-2" => "abcd",
        _ => "abc",
    };
    letters.chars().map(|letter| format!("{region}{letter}")).collect()
}

/// Zone ids do not depend on the account, e.g. `use1-az1` for `us-east-1a`.
pub fn zone_id(region: &Region, zone: &str) -> String {
    let short: String = region.as_str().split('-').map(abbreviated).collect();
    let number = zone.bytes().last().map_or(0, |letter| letter.wrapping_sub(b'a') + 1);
    format!("{short}-az{number}")
}

fn abbreviated(part: &str) -> &str {
    match part {
        "northeast" => "ne",
        "southeast" => "se",
        "central" => "c",
        "north" => "n",
        "south" => "s",
        "east" => "e",
        "west" => "w",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_aws_names() {
        let region = Region::parse("us-east-1").unwrap();
        assert_eq!(zones(&region).last().map(String::as_str), Some("us-east-1f"));
        assert_eq!(zone_id(&region, "us-east-1b"), "use1-az2");
        assert_eq!(zone_id(&Region::parse("ap-southeast-2").unwrap(), "ap-southeast-2a"), "apse2-az1");
    }
}
