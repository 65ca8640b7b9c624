//! What the Describe calls show, and what they leave out.
#![allow(clippy::unwrap_used)]

mod support;

use support::{Lab, field};

/// All texts of elements of this name.
fn fields(xml: &str, name: &str) -> Vec<String> {
    let open = format!("<{name}>");
    xml.split(&open).skip(1).map(|part| part[..part.find('<').unwrap()].to_owned()).collect()
}

#[tokio::test]
async fn volumes_come_page_by_page_in_order_and_each_once() {
    let lab = Lab::new();
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(field(&lab.do_("CreateVolume&Size=1&AvailabilityZone=us-east-1a").await, "volumeId"));
    }
    made.sort();
    let (mut seen, mut token) = (Vec::new(), String::new());
    for size in [2, 2, 1] {
        let page = lab.do_(&format!("DescribeVolumes&MaxResults=2&NextToken={token}")).await;
        let ids = fields(&page, "volumeId");
        assert_eq!(ids.len(), size);
        seen.extend(ids);
        token = fields(&page, "nextToken").pop().unwrap_or_default();
    }
    assert_eq!((seen, token), (made, String::new()));
}

#[tokio::test]
async fn tags_are_set_found_and_removed() {
    let lab = Lab::new();
    let tagged = "CreateVolume&Size=1&AvailabilityZone=us-east-1a&TagSpecification.1.ResourceType=volume\
                  &TagSpecification.1.Tag.1.Key=team&TagSpecification.1.Tag.1.Value=red";
    let red = field(&lab.do_(tagged).await, "volumeId");
    let (instance, blue) = (lab.instance().await, lab.encrypted_volume().await);
    lab.do_(&format!("CreateTags&ResourceId.1={blue}&ResourceId.2={instance}&Tag.1.Key=team&Tag.1.Value=blue&Tag.2.Key=x&Tag.2.Value=")).await;

    let found = |value: &'static str| format!("DescribeVolumes&Filter.1.Name=tag:team&Filter.1.Value.1={value}");
    assert_eq!(fields(&lab.do_(&found("red")).await, "volumeId"), [red.as_str()]);
    assert_eq!(fields(&lab.do_(&found("b*")).await, "volumeId"), [blue.as_str()]);
    let of_instances = lab.do_("DescribeTags&Filter.1.Name=resource-type&Filter.1.Value.1=instance").await;
    assert_eq!(
        (fields(&of_instances, "key"), fields(&of_instances, "resourceId")[0].clone()),
        (vec!["team".into(), "x".into()], instance)
    );

    lab.do_(&format!("DeleteTags&ResourceId.1={blue}&Tag.1.Key=team&Tag.1.Value=green&Tag.2.Key=x")).await;
    assert_eq!(
        fields(&lab.do_(&format!("DescribeTags&Filter.1.Name=resource-id&Filter.1.Value.1={blue}")).await, "key"),
        ["team"]
    );
    lab.do_(&format!("DeleteTags&ResourceId.1={blue}")).await;
    assert!(!lab.do_("DescribeTags").await.contains(&blue));
    let reserved = lab.ask(&format!("CreateTags&ResourceId.1={red}&Tag.1.Key=aws:x&Tag.1.Value=y")).await.unwrap_err();
    assert_eq!(reserved, "InvalidParameterValue: Tag keys starting with 'aws:' are reserved for internal use");
}

#[tokio::test]
async fn an_instance_shows_its_disks_and_its_health() {
    let lab = Lab::new();
    let run = "RunInstances&ImageId=ami-12345678&MinCount=2&MaxCount=2&InstanceType=t3.micro&Placement.AvailabilityZone=us-east-1b\
               &BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=2\
               &BlockDeviceMapping.2.DeviceName=/dev/sda1&BlockDeviceMapping.2.Ebs.VolumeSize=10";
    let launched = lab.do_(run).await;
    let ids = fields(&launched, "instanceId");
    assert_eq!((ids.len(), fields(&launched, "reservationId").len()), (2, 1));
    let described = lab.do_(&format!("DescribeInstances&InstanceId.1={}", ids[0])).await;
    assert_eq!(field(&described, "rootDeviceName"), "/dev/sda1");
    let mut disks = fields(&described, "deviceName");
    disks.sort();
    assert_eq!(
        (disks, field(&described, "availabilityZone")),
        (vec!["/dev/sda1".into(), "/dev/sdf".into()], "us-east-1b".into())
    );

    lab.do_(&format!("StopInstances&InstanceId.1={}", ids[1])).await;
    assert_eq!(fields(&lab.do_("DescribeInstanceStatus").await, "instanceId"), [ids[0].clone()]);
    let all = lab.do_("DescribeInstanceStatus&IncludeAllInstances=true").await;
    assert!(all.contains("<status>ok</status>") && all.contains("<status>not-applicable</status>"));
    let stopped = "DescribeInstances&Filter.1.Name=instance-state-name&Filter.1.Value.1=stopped";
    assert_eq!(field(&lab.do_(stopped).await, "instanceId"), ids[1]);

    lab.do_(&format!("TerminateInstances&InstanceId.1={}&InstanceId.2={}", ids[0], ids[1])).await;
    assert_eq!(
        fields(&lab.do_("DescribeVolumes").await, "size"),
        ["2", "2"],
        "only root volumes go with their instances"
    );
}

#[tokio::test]
async fn regions_and_zones_have_aws_names() {
    let lab = Lab::new();
    let zones =
        lab.do_("DescribeAvailabilityZones&Filter.1.Name=zone-name&Filter.1.Value.1=*a&Filter.1.Value.2=*b").await;
    assert_eq!(
        (fields(&zones, "zoneName"), fields(&zones, "zoneId")),
        (vec!["us-east-1a".into(), "us-east-1b".into()], vec!["use1-az1".into(), "use1-az2".into()])
    );
    assert_eq!(
        fields(&lab.do_("DescribeRegions&RegionName.1=eu-west-1").await, "regionEndpoint"),
        ["ec2.eu-west-1.amazonaws.com"]
    );
    let unknown = lab.ask("DescribeAvailabilityZones&ZoneName.1=us-east-1z").await.unwrap_err();
    assert_eq!(unknown, "InvalidZone.NotFound: The zone 'us-east-1z' does not exist.");
    let by_id = lab.do_("CreateVolume&Size=1&AvailabilityZoneId=use1-az2").await;
    assert_eq!(field(&by_id, "availabilityZone"), "us-east-1b");
}
