//! Bidding zones by name, and their codes.

/// The codes (EIC) of bidding zones.
const ZONES: [(&str, &str); 32] = [
    ("AT", "10YAT-APG------L"),
    ("BE", "10YBE----------2"),
    ("BG", "10YCA-BULGARIA-R"),
    ("CH", "10YCH-SWISSGRIDZ"),
    ("CZ", "10YCZ-CEPS-----N"),
    ("DE-LU", "10Y1001A1001A82H"),
    ("DK1", "10YDK-1--------W"),
    ("DK2", "10YDK-2--------M"),
    ("EE", "10Y1001A1001A39I"),
    ("ES", "10YES-REE------0"),
    ("FI", "10YFI-1--------U"),
    ("FR", "10YFR-RTE------C"),
    ("GR", "10YGR-HTSO-----Y"),
    ("HR", "10YHR-HEP------M"),
    ("HU", "10YHU-MAVIR----U"),
    ("IT-NORTH", "10Y1001A1001A73I"),
    ("LT", "10YLT-1001A0008Q"),
    ("LV", "10YLV-1001A00074"),
    ("NL", "10YNL----------L"),
    ("NO1", "10YNO-1--------2"),
    ("NO2", "10YNO-2--------T"),
    ("NO3", "10YNO-3--------J"),
    ("NO4", "10YNO-4--------9"),
    ("NO5", "10Y1001A1001A48H"),
    ("PL", "10YPL-AREA-----S"),
    ("PT", "10YPT-REN------W"),
    ("RO", "10YRO-TEL------P"),
    ("SE1", "10Y1001A1001A44P"),
    ("SE2", "10Y1001A1001A45N"),
    ("SE3", "10Y1001A1001A46L"),
    ("SE4", "10Y1001A1001A47J"),
    ("SK", "10YSK-SEPS-----K"),
];
/// The code (EIC) of a bidding zone; what is none by name is taken for a code.
pub fn eic(zone: &str) -> &str {
    ZONES.iter().find(|(name, _)| name.eq_ignore_ascii_case(zone)).map_or(zone, |(_, code)| code)
}

/// Whether a zone is known by name, or has the form of a code.
pub fn has_eic(zone: &str) -> bool {
    let code = eic(zone);
    code.len() == 16 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_a_code_or_is_one() {
        assert_eq!((eic("DE-LU"), eic("at")), ("10Y1001A1001A82H", "10YAT-APG------L"));
        assert!(ZONES.iter().all(|(name, _)| has_eic(name)));
        assert!(has_eic("10YGB----------A") && !has_eic("Mars"));
    }
}
